"""``python -m agent``, as a person starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.entries import Entry
from agent.errors import TransientError
from agent.local import Event, LocalRun
from agent.protocols import Emit

pytestmark = pytest.mark.program

ROOT = Path(__file__).parents[2]


def start(*args: str, cwd: Path, **env: str) -> subprocess.Popen[str]:
    ours = ("OPENAI_", "ANTHROPIC_", "AGENT_")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.Popen(
        # What a background job started has its Ctrl-C switched off; so has what it starts.
        ["env", "--default-signal=INT", sys.executable, "-m", "agent", *args],
        cwd=cwd,
        env={**plain, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "AGENT_OFFLINE_DELAY": "0", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_builds_a_project_into_a_folder_it_names(tmp_path: Path) -> None:
    process = start("a tip calculator", cwd=tmp_path)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert output.endswith("The files are in runwire-output/a-tip-calculator\n")
    assert "\x1b" not in output
    made = tmp_path / "runwire-output" / "a-tip-calculator"
    subprocess.run([sys.executable, "-B", "test_page.py"], cwd=made, check=True, stderr=subprocess.DEVNULL)


def test_events_as_json_are_numbered_without_holes_and_end_in_complete(tmp_path: Path) -> None:
    process = start("a timer", "--json", "--out", "made", cwd=tmp_path)
    output, _ = process.communicate(timeout=60)
    events = [json.loads(line) for line in output.splitlines()]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events if event["type"] in ("complete", "error")] == ["complete"]
    assert events[-1]["type"] == "complete"


def test_a_second_run_continues_and_leaves_other_files_alone(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "mine.bin").write_bytes(b"\0mine")
    for prompt in ("note one", "note two"):
        process = start(prompt, "--out", "made", cwd=tmp_path)
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert (tmp_path / "made" / "mine.bin").read_bytes() == b"\0mine"
    assert (tmp_path / "made" / "CHANGES.md").read_text() == "# Changes\n\n- Note one\n- Note two\n"


def test_a_failed_run_exits_1_and_a_wrong_model_2(tmp_path: Path) -> None:
    process = start("x", "--model", "no-such", cwd=tmp_path)
    assert "Known models: auto, offline" in process.communicate(timeout=60)[1]
    assert process.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("",), "expected what to build, got nothing"),
        ((" \n",), "expected what to build, got nothing"),
        (("x", "--out", "file"), "expected a folder, but 'file' is a file"),
        (("x", "--out", "file/below/it"), "expected a folder, but 'file' is a file"),
    ],
    ids=str,
)
def test_what_cannot_end_well_is_said_before_it_begins(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    (tmp_path / "file").write_text("mine")
    process = start(*arguments, cwd=tmp_path)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "")
    assert words in errors


def test_files_that_cannot_be_kept_in_the_end_are_said(tmp_path: Path) -> None:
    process = start("a timer", "--out", "made", cwd=tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    (tmp_path / "made").write_text("of somebody else")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.startswith("error: cannot write to made: ") and "Traceback" not in errors


@pytest.mark.parametrize("arguments", [(), ("--json",)], ids=["for people", "json"])
def test_a_reader_that_goes_ends_it_without_a_word(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with start("a timer", *arguments, cwd=tmp_path) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == ("", 1)


def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    process = start("a tip calculator", "--json", cwd=tmp_path, AGENT_OFFLINE_DELAY="1")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    last = json.loads(output.splitlines()[-1])
    assert (last["type"], last["code"], process.returncode, errors) == ("error", "cancelled", 1, "")
    assert not (tmp_path / "runwire-output").exists()


def test_a_transient_error_rolls_the_attempt_back_and_tries_again() -> None:
    events: list[Event] = []
    run = LocalRun("run_1", {}, events.append)
    attempts: list[int] = []

    def body(emit: Emit) -> str:
        attempts.append(len(attempts))
        emit("text", f"attempt {len(attempts)}")
        emit.keep({f"{len(attempts)}.txt": Entry()})
        if len(attempts) == 1:
            raise TransientError("busy", delay=0.0)
        return "done"

    assert run.run("model-1", body) == "done"
    assert [event["type"] for event in events] == ["text", "rollback", "status", "text"]
    assert events[1]["data"] == {"step": "model-1", "attempt": 1, "fromId": 1, "toId": 1, "reason": "busy"}
    assert events[2]["data"] == "busy; again in 0 s, 2 of 4"
    assert [event["attempt"] for event in events] == [0, 1, 1, 1]
    assert run.store.files == {"2.txt": Entry()}


def test_importing_does_nothing(tmp_path: Path) -> None:
    code = "import agent.__main__, threading; print(threading.active_count())"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr, os.listdir(tmp_path)) == ("1\n", "", [])


def test_the_agent_imports_neither_flask_nor_inngest_nor_redis() -> None:
    code = "import sys, agent.__main__; print({'flask', 'inngest', 'redis'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
