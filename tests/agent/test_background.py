"""What the model is told of a background process, and what becomes of the files that it writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.approval import needing
from agent.entries import Entry
from agent.errors import Cancelled
from agent.messages import Limits
from agent.tools import process, specs
from tests.agent.fakes import call
from tests.agent.test_sandbox import wait_until
from tests.jail.calls import Calls

pytestmark = pytest.mark.program

WRITES_WHEN_ASKED = "until [ -e ask ]; do sleep 0.02; done; echo made > new; mv new made; sleep 600"


@pytest.fixture(autouse=True)
def _short_first_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "FIRST_LOOK", 0.1)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Calls]:
    run = Calls(tmp_path / "sandboxes")
    yield run
    run.end()


def lies_there(run: Calls, path: str) -> bool:
    return (run.folder / run.run_id / "workspace" / path).exists()


def ask(run: Calls) -> None:
    """Between two calls."""
    (run.folder / run.run_id / "workspace" / "ask").touch()
    wait_until(lambda: lies_there(run, "made"))


def notes(run: Calls) -> list[tuple[bool, str]]:
    return [(data["ok"], data["note"]) for data in run.events.of("tool-result")]


def test_each_look_shows_what_is_new_and_the_same_look_the_same(run: Calls) -> None:
    command = "echo one; until [ -e go ]; do sleep 0.02; done; echo two; exit 3"
    said = run("terminal", command=command, background=True)
    assert said.startswith("bg-1-1 runs in the background.\n") and notes(run) == [(True, "bg-1-1 runs")]
    while "\none\n" not in said:
        said = run("process", handle="bg-1-1")
    assert run("process", handle="bg-1-1") == f"bg-1-1 ({command}) still runs.\n(no new output)"
    run("terminal", command="touch go")
    for attempt in range(2):
        text = run.attempt(99, "process", {"handle": "bg-1-1", "action": "wait"}, attempt)
        assert text == f"bg-1-1 ({command}) has ended: exit code 3.\ntwo\n"
    assert notes(run) == [(True, "bg-1-1 has ended: exit code 3")]
    assert run("process", handle="bg-1-1").endswith("has ended: exit code 3.\n(no new output)")


def test_waiting_ends_with_its_time(run: Calls) -> None:
    run("terminal", command="sleep 600", background=True)
    assert "still runs" in run("process", handle="bg-1-1", action="wait", seconds=0.2)


def test_what_ends_at_once_is_a_failure_with_its_words(run: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "FIRST_LOOK", 20.0)
    text = run("terminal", command="echo no such port >&2; exit 1", background=True)
    assert text == "bg-1-1 has ended at once: exit code 1.\nno such port\n"
    assert notes(run) == [(False, "bg-1-1: exit code 1")]


def test_a_character_that_is_split_between_two_looks_stays_whole(run: Calls) -> None:
    command = r"printf '\342\202'; until [ -e go ]; do sleep 0.02; done; printf '\254'"
    run("terminal", command=command, background=True)
    out = run.folder / run.run_id / "background" / "bg-1-1.out"
    wait_until(lambda: out.read_bytes()[0] == 2)
    assert run("process", handle="bg-1-1").endswith("(no new output)")
    run("terminal", command="touch go")
    assert run("process", handle="bg-1-1", action="wait").endswith("\n€")


def test_an_unknown_handle_is_answered_with_those_that_run(run: Calls) -> None:
    run("terminal", command="sleep 600", background=True)
    for handle in ("bg-9-1", "../../etc/passwd", ""):
        text = run("process", handle=handle, action="stop")
        assert text.startswith(f"Nothing is known of {handle!r} here.") and text.endswith("Running: bg-1-1.")
        assert [ok for ok, _ in notes(run)] == [False]


@pytest.mark.parametrize(("kind", "why"), [("none", "AGENT_SANDBOX=none"), ("unsafe-local", "without a jail")])
def test_a_sandbox_without_a_jail_says_why_it_starts_none(tmp_path: Path, kind: str, why: str) -> None:
    run = Calls(tmp_path / "sandboxes", kind=kind)
    text = run("terminal", command="sleep 600", background=True)
    assert text.startswith("Not started: ") and why in text
    run.end()


def test_what_it_writes_between_two_calls_is_kept_with_the_next(run: Calls) -> None:
    run("terminal", command=WRITES_WHEN_ASKED, background=True)
    ask(run)
    assert run("readFiles", files=["made"]) == "==> made <==\n     1\tmade"
    assert run.store.files["made"] == Entry(b"made\n")
    assert run.events.types() == ["tool-call", "tool-result", "file-created", "file-created"]


def test_what_it_writes_just_before_it_is_stopped_is_kept(run: Calls) -> None:
    run("terminal", command=WRITES_WHEN_ASKED, background=True)
    ask(run)
    run("process", handle="bg-1-1", action="stop")
    run("terminal", command="rm ask")
    assert run.store.files.keys() == {"made"}


def test_an_interrupted_call_is_undone_and_stops_it_and_the_model_is_told(run: Calls) -> None:
    """Files cannot be put back beneath a process that works in them."""
    run("createOrUpdateFiles", files=[{"path": "kept", "content": "before"}])
    run("terminal", command="sleep 600", background=True)
    began = threading.Event()

    def interrupt() -> None:
        if lies_there(run, "half"):
            began.set()
            raise Cancelled

    with pytest.raises(Cancelled):
        run.attempt(3, "terminal", {"command": "echo half > kept; touch half; sleep 60"}, check=interrupt)
    assert began.is_set() and run.sandbox.background.running() == ["bg-2-1"]

    text = run.attempt(3, "terminal", {"command": "cat kept; ls"}, 1)
    assert text.startswith("exit code 0\nbeforekept\n")
    assert "stopped for that: bg-2-1. Start it again if you need it." in text
    assert any("stopped for that: bg-2-1" in data for data in run.events.of("status"))
    assert "lost: an attempt of a call was interrupted" in run("process", handle="bg-2-1")
    assert run.store.files.keys() == {"kept"}


def test_an_attempt_that_is_cancelled_while_it_starts_one_leaves_none(run: Calls) -> None:
    def cancel() -> None:
        if run.sandbox.background.running():
            raise Cancelled

    with pytest.raises(Cancelled):
        run.attempt(1, "terminal", {"command": "sleep 600", "background": True}, check=cancel)
    assert run.sandbox.background.running() == []


def test_a_workspace_without_background_processes_is_still_not_looked_at_twice(run: Calls) -> None:
    run("terminal", command="true", background=True)
    run("process", handle="bg-1-1", action="wait")
    run("process", handle="bg-1-1")
    with run.sandbox.hold(lambda: None):
        assert not run.sandbox.changes({}, lambda: None).looked


def test_background_commands_wait_for_their_user_like_others() -> None:
    assert needing([call("terminal", command="npm run dev", background=True)], ["npm *"]) == [1]


def test_the_model_is_told_what_background_processes_are_and_how_long_it_may_wait() -> None:
    """FINDINGS D8: they died unannounced."""
    described = {spec.name: spec for spec in specs(Limits(command_timeout=45))}
    assert "127.0.0.1" in described["terminal"].description and "background" in described["terminal"].description
    assert "45 s" in described["process"].description
    assert "background" in described["terminal"].parameters["properties"]
