"""`python -m orchestrator`: runs in a terminal, against a service and its Redis."""

import io
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from unittest import mock

import pytest

from lab.llm import fails, says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import Event, assert_whole, events_of, run_to_end, start_run
from orchestrator.cli.api import KEY, URL
from orchestrator.cli.main import COMMANDS, main
from orchestrator.events import RunRequested
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect

ROOT = Path(__file__).parents[2]
HOSTILE = "\x1b[2Jcleared\u202e\x07"


@dataclass(frozen=True)
class Seen:
    returncode: int
    stdout: str
    stderr: str


def cli(service: Service, *arguments: str, **env: str) -> Seen:
    """A command, in this process: starting one takes much longer than what it does."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.dict(os.environ, {**service.env, URL: service.url, **env}, clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            code = main(arguments)
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else 1
            print(exit.code if isinstance(exit.code, str) else "", file=err)
    return Seen(code, out.getvalue(), err.getvalue())


def lines(seen: Seen) -> list[Any]:
    assert seen.returncode == 0, seen.stderr
    return [json.loads(line) for line in seen.stdout.splitlines()]


@contextmanager
def tailing(service: Service, *arguments: str) -> Iterator[Callable[[], Event]]:
    """A tail that goes on; gives its next event."""
    command = [sys.executable, "-m", "orchestrator", "tail", "--json", *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=service.env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        printed: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=_read_lines, args=[process.stdout, printed.put])
        reader.start()
        try:
            yield lambda: dict(json.loads(printed.get(timeout=30)))
        finally:
            process.kill()
            reader.join()


def _read_lines(out: IO[str], take: Callable[[str], object]) -> None:
    for line in out:
        take(line)


@pytest.fixture(scope="module")
def finished(service: Service) -> list[Event]:
    return run_to_end(service, projectId="in a terminal", value="a tip calculator", model="offline")


def test_runs_are_listed(service: Service, finished: list[Event]) -> None:
    (run,) = lines(cli(service, "runs", "--project", "in a terminal", "--json"))
    assert (run["runId"], run["outcome"]) == (finished[0]["runId"], "done")
    table = cli(service, "runs", "--project", "in a terminal").stdout.splitlines()
    assert [row.split()[0] for row in table] == ["RUN", finished[0]["runId"]]
    assert table[1].endswith("A tip calculator")
    assert lines(cli(service, "runs", "--status", "lost", "--json")) == []


def test_a_run_is_shown_with_its_steps(service: Service, finished: list[Event]) -> None:
    shown = cli(service, "show", finished[0]["runId"])
    assert shown.returncode == 0, shown.stderr
    assert "status    complete done" in shown.stdout
    assert any(row.split()[:2] == ["model-1", "done"] for row in shown.stdout.splitlines())
    (whole,) = lines(cli(service, "show", "--json", finished[0]["runId"]))
    assert whole["steps"][0]["name"] == "prepare"


def test_runs_are_cancelled_and_gone_on_with(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(unique("cli"), fails(401), says("Nothing to do: it is done."))
    failed = run_to_end(scripted_service, projectId=prompt, value=prompt)[0]["runId"]
    assert cli(scripted_service, "cancel", failed).returncode == 1
    assert cli(scripted_service, "tail", failed).returncode == 1
    made = cli(scripted_service, "retry", failed)
    assert made.returncode == 0, made.stderr
    assert cli(scripted_service, "tail", made.stdout.strip()).returncode == 0
    again = cli(scripted_service, "retry", made.stdout.strip())
    assert (again.returncode, again.stderr.split(":")[0]) == (1, "The run is complete")

    gate = Gate()
    prompt = model_server.script(unique("cli"), gate)
    run_id = start_run(scripted_service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    cancelled = cli(scripted_service, "cancel", run_id)
    assert (cancelled.returncode, cancelled.stdout) == (0, f"{run_id}  cancelled\n")


def test_a_replay_shows_what_happened(service: Service, finished: list[Event]) -> None:
    run_id = finished[0]["runId"]
    assert lines(cli(service, "replay", run_id, "--speed", "1000", "--json")) == finished
    kinds = [event["type"] for event in lines(cli(service, "replay", run_id, "--json", "--type", "tool-call"))]
    assert kinds and set(kinds) == {"tool-call"}
    assert "$ python3 test_page.py" in cli(service, "replay", run_id, "--longest-pause", "0").stdout


def test_a_project_is_tailed_from_a_time_on_and_no_event_twice(service: Service, unique: Callable[[str], str]) -> None:
    project = unique("tailed")
    stored = run_to_end(service, projectId=project, model="offline")
    with tailing(service, "--project", project, "--since", "10m") as next_event:
        assert [next_event() for _ in stored] == stored
        run_to_end(service, projectId=unique("another"), model="offline")
        live = run_to_end(service, projectId=project, model="offline")
        seen = [next_event() for _ in live]
        assert_whole(seen)
        assert seen == live
    with tailing(service, "--since", "10m", "--type", "complete") as next_event:
        ended = {stored[0]["runId"], live[0]["runId"]}
        while ended:
            ended.discard(next_event()["runId"])


def test_a_hostile_run_cannot_steer_the_terminal(service: Service, unique: Callable[[str], str]) -> None:
    log = RunLog(connect(service.env["REDIS_URL"], 2))
    request = RunRequested(run_id=unique("run"), project_id=f"p{HOSTILE}", value=f"do {HOSTILE}", model=HOSTILE)
    log.index.add_one("local", request.project_id, request.run_id)
    log.create(request, "direct", HOSTILE)
    log.begin(request.run_id, HOSTILE, 0, "n")
    log.fail(request.run_id, HOSTILE, "failed")
    for command in (("runs",), ("show", request.run_id), ("tail", request.run_id), ("replay", request.run_id)):
        for more in ((), ("--json",)):
            seen = cli(service, *command, *more)
            printed = seen.stdout + seen.stderr
            assert "cleared" in printed or command == ("runs",), printed
            assert not any(character in printed for character in "\x1b\u202e\x07"), printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("show", "run_nobody"), "Unknown or expired run\n", id="show"),
        pytest.param(("replay", "run_nobody"), "unknown or expired run 'run_nobody'\n", id="replay"),
        pytest.param(("show", "../models"), "unknown or expired run '../models'\n", id="path"),
        pytest.param(("cancel", "run_nobody?x=1"), "unknown or expired run 'run_nobody?x=1'\n", id="query"),
        pytest.param(("retry", "\x1b[2J"), "unknown or expired run '\\x1b[2J'\n", id="steering"),
        pytest.param(("runs", "--status", "done"), "Unknown status 'done' (statuses: queued", id="status"),
        pytest.param(("runs", "--url", "http://127.0.0.1:1"), "http://127.0.0.1:1 does not answer", id="away"),
        pytest.param(("tail", "--since", "soon"), "expected 30s, 10m, 2h, 1d or a date", id="since"),
        pytest.param(("replay", "--speed", "0", "x"), "expected a number above 0, got '0'", id="speed"),
        pytest.param(("replay", "--speed", "fast", "x"), "expected a number above 0, got 'fast'", id="word"),
        pytest.param(("replay", "--longest-pause", "-1", "x"), "expected a number from 0, got '-1'", id="pause"),
        pytest.param(("runs", "--limit", "x"), "invalid int value", id="limit"),
        pytest.param((), "required: COMMAND", id="nothing"),
    ],
)
def test_what_goes_wrong_is_a_sentence(service: Service, arguments: tuple[str, ...], words: str) -> None:
    seen = cli(service, *arguments)
    assert seen.returncode != 0
    assert words in seen.stderr
    assert "Traceback" not in seen.stderr


def test_the_key_comes_from_the_environment_and_a_wrong_one_is_named(service: Service) -> None:
    seen = cli(service, "runs", **{KEY: "rwt_nonsense"})
    assert seen.returncode == 1
    assert f"set {KEY} to a key of this service" in seen.stderr


@pytest.mark.parametrize("key", ["a-secret-key\n", "schlüssel-a-secret-key"])
def test_a_key_that_cannot_be_sent_is_not_said(service: Service, key: str) -> None:
    """Seen: httpx names the header's value in its error."""
    seen = cli(service, "runs", **{KEY: key})
    assert seen.returncode == 1
    assert KEY in seen.stderr and "secret" not in seen.stderr


def test_a_terminal_of_another_encoding_is_no_error(service: Service) -> None:
    run_id = start_run(service, value="für mich — ✓")
    events_of(service, run_id)
    ascii_only = {**service.env, URL: service.url, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    command = [sys.executable, "-m", "orchestrator", "replay", "--speed", "1000", run_id]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=60, env=ascii_only, cwd=ROOT)
    assert (seen.returncode, seen.stderr) == (0, "")
    assert run_id in seen.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_examples_in_its_help(service: Service, name: str) -> None:
    seen = cli(service, name, "--help")
    assert seen.returncode == 0
    assert f"orchestrator {name}" in seen.stdout.split("options:")[1], "an example"


def test_completion_knows_commands_and_options(service: Service, tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(cli(service, "completion", "bash").stdout)
    asked = f"""
        source {script}
        try() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _runwire; echo "${{COMPREPLY[@]}}"; }}
        try runwire re; try runwire replay --sp; try runwire completion b
        cd /; runwire --help | head -1
    """
    seen = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, timeout=30, env=dict(os.environ))
    *words, usage = seen.stdout.splitlines()
    assert words == ["retry replay", "--speed", "bash"], seen.stderr
    assert usage.startswith("usage: python -m orchestrator"), seen.stderr
