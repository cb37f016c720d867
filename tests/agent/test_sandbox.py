"""The sandbox: what a command cannot see, and that it ends when it is to end."""

from __future__ import annotations

import http.server
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.errors import Cancelled, PermanentError
from agent.messages import CommandResult, Killed
from agent.protocols import Piece, Sandbox, Span
from agent.sandbox import Network, open_sandbox, probe
from agent.tools import Context, answer
from tests.agent.fakes import Events, call


def nothing() -> None:
    pass


def run(
    sandbox: Sandbox, command: str, *, timeout: float = 20, check: Callable[[], None] = nothing
) -> tuple[CommandResult, str]:
    """The result, and stdout and stderr as they came."""
    output: list[str] = []
    with sandbox.hold(nothing):
        result = sandbox.run(command, timeout=timeout, on_output=lambda _, chunk: output.append(chunk), check=check)
    return result, "".join(output)


def content(sandbox: Sandbox, path: str) -> bytes:
    with sandbox.hold(nothing):
        [piece] = sandbox.read([Span(path, 1000)], nothing)
    assert isinstance(piece, Piece), piece
    return piece.content


def processes_with(marker: str) -> list[str]:
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if marker in Path(f"/proc/{pid}/cmdline").read_text():
                found.append(pid)
        except OSError:
            continue  # ended meanwhile
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up, "the condition never came true"
        time.sleep(0.02)


@pytest.fixture(params=["bubblewrap", "unsafe-local"])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Sandbox:
    return open_sandbox(request.param, tmp_path, "run_1")


def test_output_and_exit_code_come_back(sandbox: Sandbox) -> None:
    sources: list[str] = []
    command = "echo out; echo err >&2; exit 3"
    with sandbox.hold(nothing):
        result = sandbox.run(command, timeout=20, on_output=lambda source, _: sources.append(source), check=nothing)
    assert (result.exit_code, sorted(sources)) == (3, ["stderr", "stdout"])


def test_commands_run_in_the_workspace(sandbox: Sandbox) -> None:
    run(sandbox, "echo hello > made.txt; cp made.txt $HOME/copy.txt")
    assert content(sandbox, "made.txt") == content(sandbox, "copy.txt") == b"hello\n"


def test_the_environment_holds_no_secrets(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "sk-secret" not in run(sandbox, "env")[1]


def test_no_process_in_the_jail_shows_an_environment_with_secrets(jail: Sandbox) -> None:
    # This process has had PATH and more since its start, so /proc would show it: monkeypatch alone would prove nothing.
    assert Path("/proc/self/environ").read_bytes()
    _, output = run(jail, "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | cut -d= -f1 | sort -u")
    ours = {"PATH", "HOME", "LANG", "TERM", "PWD", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
    assert set(output.split()) <= ours | Network().environment().keys()


def test_the_jail_has_no_network(jail: Sandbox) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    try:
        connect = f"import socket; socket.create_connection(('127.0.0.1', {server.server_port}), 5)"
        result, output = run(jail, f'python3 -c "{connect}"')
    finally:
        server.shutdown()
        server.server_close()
    assert result.exit_code == 1
    assert "Connection refused" in output or "unreachable" in output


def test_the_jail_shows_nothing_of_the_host(jail: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    _, output = run(jail, f"cat {tmp_path}/secret.txt /etc/passwd /etc/shadow 2>&1; ls /")
    assert "secret\n" not in output and "root:" not in output
    assert {"dev", "proc", "tmp", "usr", "workspace"} <= set(output.split("\n"))
    assert not {"home", "root", "var", "run", "sys"} & set(output.split("\n"))


def test_the_jail_shows_no_process_of_the_host(jail: Sandbox) -> None:
    assert str(os.getpid()) in os.listdir("/proc")
    _, output = run(jail, "cat /proc/[0-9]*/comm")
    assert set(output.split()) <= {"bwrap", "sh", "cat"}


def test_only_the_workspace_can_be_written(jail: Sandbox) -> None:
    for path in ("/usr/x", "/x", "/dev/x", "/etc/x"):
        assert run(jail, f"touch {path}")[0].exit_code != 0
    assert run(jail, "touch x /tmp/x && echo x > /dev/null")[0].exit_code == 0


def test_a_file_that_grows_too_big_is_stopped(jail: Sandbox) -> None:
    assert run(jail, "truncate -s 255M big && dd if=/dev/zero of=big bs=1M seek=255 count=10")[0].exit_code != 0
    assert 0 < int(run(jail, "stat -c %s big")[1]) <= 256 * 1024**2


def test_memory_is_limited(jail: Sandbox) -> None:
    result, output = run(jail, "python3 -c 'bytearray(3 * 1024**3)'")
    assert result.exit_code == 1 and "MemoryError" in output


def test_a_command_that_takes_too_long_is_killed_with_its_children(sandbox: Sandbox) -> None:
    marker = f"6{time.time_ns()}"
    result, output = run(sandbox, f"sleep {marker} & echo started; sleep {marker}", timeout=1)
    assert (result.exit_code, result.killed, output) == (None, Killed(budget="time", used=1, limit=1), "started\n")
    wait_until(lambda: not processes_with(marker))


def test_cancelling_kills_the_whole_process_group(sandbox: Sandbox) -> None:
    marker = f"6{time.time_ns()}"

    def check() -> None:
        if len(processes_with(f"sleep\0{marker}")) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(sandbox, f"sleep {marker} & sleep {marker}", check=check)
    wait_until(lambda: not processes_with(marker))


def test_a_background_process_neither_holds_the_command_up_nor_outlives_it(sandbox: Sandbox) -> None:
    marker = f"6{time.time_ns()}"
    result, output = run(sandbox, f"sleep {marker} & echo done")
    assert (result.exit_code, output) == (0, "done\n")
    wait_until(lambda: not processes_with(marker))


def test_a_command_that_closes_its_output_is_waited_for(sandbox: Sandbox) -> None:
    result, _ = run(sandbox, "exec >&- 2>&-; sleep 0.5; touch made; exit 4")
    assert result.exit_code == 4 and content(sandbox, "made") == b""


def test_a_character_that_is_split_between_two_reads_stays_whole(sandbox: Sandbox) -> None:
    _, output = run(sandbox, r"printf '\342\202'; sleep 0.3; printf '\254\n'; printf '\377'")
    assert output == "€\n\ufffd"


def test_endless_output_is_stopped(sandbox: Sandbox) -> None:
    result, output = run(sandbox, "yes")
    assert result.killed and result.killed.budget == "output" and len(output) < 9 * 1024 * 1024


def test_the_model_reads_both_ends_of_a_long_output_and_events_stop_at_their_cap(jail: Sandbox) -> None:
    events = Events()
    with jail.hold(nothing):
        text = answer(call("terminal", command="seq 1 100000"), Context(jail, events, "call-1", 20))
    assert text.startswith("exit code 0\n1\n2\n") and text.endswith("99999\n100000\n") and len(text) < 17_000
    assert sum(len(data["chunk"]) for data in events.of("tool-output")) == 256 * 1024


def test_where_no_jail_is_possible_the_command_is_answered_with_the_way_out(no_jail: Sandbox) -> None:
    result, output = run(no_jail, "touch made")
    assert result.exit_code == 126 and "AGENT_SANDBOX" in output
    with no_jail.hold(nothing):
        assert no_jail.changes({}, nothing).entries == {}


def test_auto_is_the_jail_where_one_works(tmp_path: Path) -> None:
    sandbox = open_sandbox("auto", tmp_path, "run_1")
    assert not Path("/workspace").exists()
    assert run(sandbox, "pwd")[1] == "/workspace\n"


@pytest.mark.parametrize("run_id", ["", "..", "a/b", "/abs", "a\n", "x" * 65])
def test_a_run_id_that_is_no_folder_name_is_refused(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(PermanentError, match="expected a run id"):
        open_sandbox("none", tmp_path, run_id)


def test_an_unknown_kind_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="auto, bubblewrap, unsafe-local, none"):
        open_sandbox("docker", tmp_path, "run_1")


def test_a_failed_probe_is_tried_again_and_a_good_one_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """FINDINGS A5: one transient failure was remembered for the process's life."""
    answers = iter(["no memory for a moment", None])
    monkeypatch.setattr(probe, "probe", lambda: next(answers))
    monkeypatch.setattr(probe, "_Findings", type("Fresh", (), vars(probe._Findings) | {"works": False}))
    monkeypatch.setattr(probe._Findings, "believed_until", 0.0)
    assert probe.why_no_jail() == "no memory for a moment" == probe.why_no_jail()
    monkeypatch.setattr(probe._Findings, "believed_until", 0.0)
    assert probe.why_no_jail() is None
    assert probe.why_no_jail() is None
