"""A background process: reached by later commands of its run, by nobody else, and gone when it has to be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.sandbox import MB, Budgets, Janitor, folder, records
from agent.sandbox.folder import RunFolder
from agent.sandbox.records import Record
from agent.tools import process
from agent.warden import ring
from tests.agent.test_sandbox import processes_with, wait_until
from tests.jail.calls import Calls, play_as_ordinary_user, play_here

SERVE = "exec python3 -m http.server 8000 --bind 127.0.0.1"
FETCH = """python3 - <<'END'
import time, urllib.error, urllib.request
for _ in range(100):
    try:
        print(urllib.request.urlopen("http://127.0.0.1:8000/page.txt").read().decode())
        break
    except urllib.error.URLError as error:
        last = error
        time.sleep(0.05)
else:
    print(last)
END"""
FETCH_ONCE = FETCH.replace("range(100)", "range(1)")
STUBBORN = """exec python3 - <<'END'
import os, signal, time
for number in range(1, 64):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "MARKER"])
        os._exit(0)
print("ready", flush=True)
os.execvp("sleep", ["sleep", "MARKER"])
END"""


@pytest.fixture(autouse=True)
def _short_first_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "FIRST_LOOK", 0.1)


@pytest.fixture
def marker() -> str:
    return f"6{time.time_ns()}"


@pytest.fixture
def stubborn(marker: str) -> str:
    return STUBBORN.replace("MARKER", marker)


@pytest.fixture
def new_run(tmp_path: Path) -> Iterator[Callable[..., Calls]]:
    runs: list[Calls] = []

    def new(budgets: Budgets | None = None) -> Calls:
        runs.append(Calls(tmp_path / "sandboxes", budgets, run_id=f"run_{len(runs)}"))
        return runs[-1]

    yield new
    for run in runs:
        run.end()
    assert os.listdir(tmp_path / "sandboxes") == []


def record(run: Calls, handle: str = "bg-1-1") -> Record:
    found = records.record(RunFolder(run.folder, run.run_id).background, handle)
    assert found is not None
    return found


def ended(run: Calls, handle: str = "bg-1-1") -> str:
    wait_until(lambda: not record(run, handle).is_alive)
    return str(record(run, handle).ended())


@pytest.mark.parametrize("play", [play_here, play_as_ordinary_user] if os.geteuid() == 0 else [play_here])
def test_a_later_command_reaches_the_server_until_it_is_stopped(play: Callable[..., list[str]]) -> None:
    texts = play(
        ("createOrUpdateFiles", {"files": [{"path": "page.txt", "content": "a page"}]}),
        ("terminal", {"command": SERVE, "background": True}),
        ("terminal", {"command": FETCH}),
        ("terminal", {"command": "cat /proc/net/dev | tail -n +3 | cut -d: -f1; ls /proc/sys/net/ipv4 | head -1"}),
        ("process", {"handle": "bg-2-1"}),
        ("process", {"handle": "bg-2-1", "action": "stop"}),
        ("terminal", {"command": FETCH_ONCE}),
    )
    assert texts[1].startswith("bg-2-1 runs in the background.")
    assert texts[2].endswith("a page\n")
    assert texts[3].split()[3:4] == ["lo"], "there is no way out of this network"
    assert '"GET /page.txt HTTP/1.1" 200' in texts[4] and "still runs" in texts[4]
    assert "has ended: stopped" in texts[5]
    assert "Connection refused" in texts[6]


def test_another_run_does_not_reach_it(new_run: Callable[..., Calls]) -> None:
    first, second = new_run(), new_run()
    first("createOrUpdateFiles", files=[{"path": "page.txt", "content": "a page"}])
    first("terminal", command=SERVE, background=True)
    assert first("terminal", command=FETCH).endswith("a page\n")
    second("terminal", command="sleep 600", background=True)
    assert "Connection refused" in second("terminal", command=FETCH_ONCE)


def test_no_command_gets_into_the_machines_network(new_run: Callable[..., Calls]) -> None:
    """Where a warden has not made its network yet, or has left its number to somebody else, a command has its own."""
    run = new_run()
    run("terminal", command="sleep 600", background=True)
    noted = record(run)
    noted.stop("stopped")
    somebody = subprocess.Popen(["sleep", "600"])
    try:
        for started in ("1", folder.started(somebody.pid)):
            Record(**{**vars(noted), "handle": "bg-9-1", "pid": somebody.pid, "started": started}).write()
            assert record(run, "bg-9-1").is_alive is (started != "1")
            names = run("terminal", command="tail -n +3 /proc/net/dev | cut -d: -f1")
            assert names.split() == ["exit", "code", "0", "lo"]
    finally:
        somebody.kill()
        somebody.wait()


def test_stopping_kills_what_hides_and_ignores_signals(
    new_run: Callable[..., Calls], stubborn: str, marker: str
) -> None:
    run = new_run()
    run("terminal", command=stubborn, background=True)
    wait_until(lambda: len(processes_with(f"sleep\0{marker}")) == 4)
    assert "stopped" in run("process", handle="bg-1-1", action="stop")
    assert not processes_with(marker)


def test_the_end_of_the_run_kills_it(new_run: Callable[..., Calls], stubborn: str, marker: str) -> None:
    run = new_run()
    run("terminal", command=stubborn, background=True)
    wait_until(lambda: len(processes_with(f"sleep\0{marker}")) == 4)
    run.end()
    assert not processes_with(marker)


def test_it_ends_with_the_folder_of_its_run(new_run: Callable[..., Calls], marker: str) -> None:
    run = new_run()
    run("terminal", command=f"sleep {marker}", background=True)
    wait_until(lambda: len(processes_with(f"sleep\0{marker}")) == 1)
    for path in RunFolder(run.folder, run.run_id).background.iterdir():
        path.unlink()
    wait_until(lambda: not processes_with(marker))


def test_the_janitor_stops_what_a_run_that_has_ended_elsewhere_left(new_run: Callable[..., Calls], marker: str) -> None:
    run, going_on = new_run(), new_run()
    for each in (run, going_on):
        each("terminal", command=f"sleep {marker}", background=True)
    wait_until(lambda: len(processes_with(f"sleep\0{marker}")) == 2)
    Janitor("bubblewrap", run.folder, lambda run_id: run_id == run.run_id).stop_ended()
    assert "lost: the run went on in another process" in run("process", handle="bg-1-1")
    assert "still runs" in going_on("process", handle="bg-1-1")


SERVICE = """
import sys
from pathlib import Path
from tests.jail.calls import Calls
folder, command = sys.argv[1:]
run = Calls(Path(folder), run_id="run_0")
print(run("terminal", command=command, background=True), flush=True)
sys.stdin.read()
"""


def test_it_ends_with_the_process_that_has_started_it_and_others_are_told(
    new_run: Callable[..., Calls], stubborn: str, marker: str
) -> None:
    """Another process of the service can look at it as long as it runs, and is told when it is lost."""
    run = new_run()
    program = [sys.executable, "-c", SERVICE, str(run.folder), stubborn]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None and service.stdout.readline() == "bg-1-1 runs in the background.\n"
        wait_until(lambda: len(processes_with(f"sleep\0{marker}")) == 4)
        assert "still runs" in run("process", handle="bg-1-1")
        service.kill()
    wait_until(lambda: not processes_with(marker))
    # Its warden still writes down how it ended.
    wait_until(lambda: "still runs" not in run("process", handle="bg-1-1"))
    text = run("process", handle="bg-1-1")
    assert "lost: it ended with the service's process that had started it" in text and "start it again" in text


def test_the_jail_ends_when_its_warden_is_killed_and_its_exit_is_not_known(
    new_run: Callable[..., Calls], marker: str
) -> None:
    run = new_run()
    run("terminal", command=f"setsid sleep {marker} & sleep {marker}", background=True)
    wait_until(lambda: len(processes_with(f"sleep\0{marker}")) == 2)
    os.kill(record(run).pid, signal.SIGKILL)
    wait_until(lambda: not processes_with(marker))
    assert "lost: whoever kept it is gone, and its exit is not known" in run("process", handle="bg-1-1")


def test_it_has_budgets_of_its_own(new_run: Callable[..., Calls]) -> None:
    run = new_run(Budgets(memory=256 * MB, processes=32))
    eater = "x = [bytes(1) * 10_000_000 for _ in range(40)]"
    run("terminal", command=f"python3 -c '{eater}; import time; time.sleep(60)'", background=True)
    run("terminal", command="for _ in $(seq 40); do sleep 60 & done; wait", background=True)
    assert ended(run, "bg-1-1").startswith("killed: it used") or "exit code 1" in ended(run, "bg-1-1")
    assert ended(run, "bg-2-1").startswith("killed: it had")


def test_it_ends_when_its_time_is_over_however_much_it_prints(new_run: Callable[..., Calls]) -> None:
    run = new_run()
    with run.sandbox.hold(lambda: None):
        assert run.sandbox.background.start("bg-1-1", "yes", timeout=0.5) is None
    assert ended(run) == "killed: it took longer than 0 s"


def test_what_it_has_printed_is_kept_as_far_as_there_is_room_and_the_rest_is_counted(
    new_run: Callable[..., Calls],
) -> None:
    run = new_run()
    size = 3 * ring.KEPT
    run("terminal", command=f"head -c {size} /dev/zero | tr '\\0' x; echo; echo end", background=True)
    ended(run)
    found = run.sandbox.background.look("bg-1-1", reader="another", since=0)
    assert found is not None and len(found.output) == ring.KEPT and found.output.endswith("x\nend\n")
    assert found.missed + ring.KEPT == size + len("\nend\n")


def test_only_so_many_run_at_a_time(new_run: Callable[..., Calls]) -> None:
    run = new_run(Budgets(background=2))
    for _ in range(2):
        run("terminal", command="sleep 600", background=True)
    assert "2 run already, and no more may; stop one of them first (bg-1-1, bg-2-1)" in run(
        "terminal", command="sleep 600", background=True
    )
    run("process", handle="bg-1-1", action="stop")
    assert run("terminal", command="sleep 600", background=True).startswith("bg-5-1 runs")


def test_a_call_that_is_made_again_leaves_one(new_run: Callable[..., Calls], marker: str) -> None:
    run = new_run()
    for number in range(2):
        text = run.attempt(1, "terminal", {"command": f"sleep {marker}", "background": True}, number)
    wait_until(lambda: len(processes_with(f"sleep\0{marker}")) == 1)
    assert text.startswith("bg-1-1 runs") and "may have run before" in text


def test_a_process_that_closes_its_output_goes_on(new_run: Callable[..., Calls]) -> None:
    run = new_run()
    run("terminal", command="exec >&- 2>&-; until [ -e stop ]; do sleep 0.05; done; exit 4", background=True)
    run("terminal", command="touch stop")
    assert ended(run) == "exit code 4"
