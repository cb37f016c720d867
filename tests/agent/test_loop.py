"""The loop: which steps there are, what they do to the files, and that it can be replayed."""

from __future__ import annotations

import shutil
import time
from functools import partial
from pathlib import Path

import pytest

from agent.errors import PermanentError
from agent.loop import run_code_agent
from agent.memory_store import MemoryStore
from agent.messages import Limits, RunRequest, RunResult, ToolCall, Usage
from agent.models.offline import OfflineModel
from agent.protocols import ChatModel, Sandbox
from agent.sandbox import open_sandbox
from agent.workspace import Room
from tests.agent.fakes import AtOnce, ScriptedModel, StepByStep, call, plain, says, writes

PAGE = {"index__html": "<title>x</title>"}


def run(request: RunRequest, model: ChatModel, sandbox: Sandbox, step: AtOnce, store: MemoryStore) -> RunResult:
    return run_code_agent(request, step, model=model, sandbox=sandbox, store=store)


def test_every_body_runs_once_when_the_function_is_entered_again_for_each_step(
    request_: RunRequest, jail: Sandbox
) -> None:
    results = []
    for step_type in (StepByStep, AtOnce):
        store = MemoryStore()
        step = step_type(store)
        function = partial(run_code_agent, request_, model=OfflineModel(delay=0), sandbox=jail, store=store)
        results.append(step.drive(function))
        assert step.ran == [
            *("prepare", "model-1", "tool-1-1", "model-2", "tool-2-1", "model-3", "tool-3-1"),
            *("model-4", "tool-4-1", "model-5", "tool-5-1", "model-6", "check-1", "finish"),
        ]
        assert store.project == store.files
    assert results[0] == results[1]


def test_several_calls_in_one_reply_are_several_steps_with_own_call_ids(request_: RunRequest, no_jail: Sandbox) -> None:
    step = AtOnce(store := MemoryStore())
    both = says("Two", writes(a__txt="a"), writes(b__txt="b"))
    run(request_, ScriptedModel(both, both, says("Done")), no_jail, step, store)
    assert [name for name in step.ran if name.startswith("tool")] == ["tool-1-1", "tool-1-2", "tool-2-1", "tool-2-2"]
    call_ids = [data["callId"] for data in step.events.of("tool-call")]
    assert len(set(call_ids)) == 4


def test_files_are_told_as_created_updated_and_deleted(request_: RunRequest, jail: Sandbox) -> None:
    step = AtOnce(store := MemoryStore())
    model = ScriptedModel(
        says("", writes(a__txt="one")),
        says(
            "", call("terminal", command="echo two > a.txt; mkdir node_modules; touch node_modules/x; printf '\\0' > b")
        ),
        says("", call("terminal", command="rm a.txt; ls node_modules")),
        says("Done"),
    )
    run(request_, model, jail, step, store)
    assert step.events.of("file-created")[0] == {"path": "a.txt", "content": "one", "size": 3}
    assert step.events.of("file-created")[1] == {"path": "b", "content": "", "size": 1, "binary": True}
    assert step.events.of("file-updated") == [{"path": "a.txt", "content": "two\n", "size": 4}]
    assert step.events.of("file-deleted") == [{"path": "a.txt"}]
    assert model.asked[-1][-1].content == "exit code 0\nx\n"  # what is not stored is still there
    assert model.asked[2][-1].content.endswith("lost with this machine):\n- node_modules/: ignored folder")
    assert store.project == plain({"b": b"\0"})


def test_a_long_file_is_cut_in_its_event_but_not_at_the_end(request_: RunRequest, no_jail: Sandbox) -> None:
    step = AtOnce(store := MemoryStore())
    result = run(request_, ScriptedModel(says("", writes(a__txt="x" * 70_000)), says("Done")), no_jail, step, store)
    [created] = step.events.of("file-created")
    assert (len(created["content"]), created["size"], created["truncated"]) == (65_536, 70_000, True)
    assert step.events.of("files") == [result.files] == [{"a.txt": "x" * 70_000}]


def test_what_does_not_fit_the_last_event_is_named_there(request_: RunRequest, no_jail: Sandbox) -> None:
    step = AtOnce(store := MemoryStore(plain({"a.txt": b"a", "logo.png": b"\0", "z.txt": "ж".encode() * 400_000})))
    result = run(request_, ScriptedModel(says("Done")), no_jail, step, store)
    assert list(result.files) == ["a.txt"]  # Cyrillic triples when a step's result is escaped as JSON
    assert "Stored, but not shown here (binary or too much): logo.png, z.txt" in step.events.of("status")
    assert set(store.project) == {"a.txt", "logo.png", "z.txt"}


def test_a_workspace_that_was_lost_is_rebuilt_and_the_model_told_what_is_not(
    request_: RunRequest, jail: Sandbox, tmp_path: Path
) -> None:
    """FINDINGS D2: modes, links and empty folders were not stored, and the model was not told what a machine took."""

    def lose(step_id: str) -> None:
        if step_id == "tool-2-1":
            shutil.rmtree(tmp_path / "sandboxes")

    step = AtOnce(store := MemoryStore(), before_body=lose)
    made = "mkdir -p node_modules/x empty bin; echo 'echo hi' > bin/run; chmod +x bin/run; ln -s bin/run link"
    model = ScriptedModel(
        says("", writes(a__txt="kept"), call("terminal", command=made)),
        says("", call("terminal", command="cat a.txt; ls; ./link")),
        says("", call("terminal", command="true")),
        says("Done"),
    )
    run(request_, model, jail, step, store)
    told = model.asked[2][-1].content
    assert told.startswith("exit code 0\nkepta.txt\nbin\nempty\nlink\nhi\n\nNote: the workspace was put back")
    assert "- node_modules/: ignored folder" in told and "Make it again" in told
    assert any("not there any more" in status for status in step.events.of("status"))
    assert model.asked[3][-1].content == "exit code 0\n(no output)"  # told once


def test_a_file_that_is_too_large_is_named_to_the_model_and_the_viewer(request_: RunRequest, tmp_path: Path) -> None:
    """FINDINGS D2: a file of 3 MB was in no message and no event."""
    step = AtOnce(store := MemoryStore())
    jail = open_sandbox("bubblewrap", tmp_path / "sandboxes", "run_1", room=Room(file=1_000_000))
    make = "head -c 3000000 /dev/zero > big.bin; echo small > small.txt"
    model = ScriptedModel(says("", call("terminal", command=make)), says("Done"))
    result = run(request_, model, jail, step, store)
    assert list(result.files) == ["small.txt"]
    named = "- big.bin (3.0 MB): too large, more than 1000000 bytes"
    assert named in model.asked[1][-1].content
    assert [named in status for status in step.events.of("status") if "Not kept" in status] == [True]


def test_what_an_interrupted_attempt_did_is_undone(request_: RunRequest, jail: Sandbox) -> None:
    def half_done(step_id: str) -> None:
        if step_id == "tool-2-1":
            command = "echo half > a.txt; echo half > stray.txt; mkdir -p b/c d; touch b/c/e; chmod 000 b; rm -r kept"
            with jail.hold(lambda: None):
                jail.run(command, timeout=20, on_output=lambda source, chunk: None, check=lambda: None)

    step = AtOnce(store := MemoryStore(), before_body=half_done)
    files = [{"path": "a.txt", "content": "whole"}, {"path": "kept/a", "content": ""}]
    write = call("createOrUpdateFiles", files=files)
    model = ScriptedModel(says("", write), says("", call("terminal", command="cat a.txt; find . | sort")), says("Done"))
    run(request_, model, jail, step, store)
    assert model.asked[-1][-1].content == "exit code 0\nwhole.\n./a.txt\n./kept\n./kept/a\n"
    assert set(store.files) == {"a.txt", "kept/a"}


def test_a_command_that_is_run_again_says_so(request_: RunRequest, jail: Sandbox) -> None:
    def second_attempt(step_id: str) -> None:
        step.events.attempt = int(step_id.startswith("tool"))

    step = AtOnce(store := MemoryStore(), before_body=second_attempt)
    model = ScriptedModel(says("", call("terminal", command="echo out")), says("Done"))
    run(request_, model, jail, step, store)
    assert model.asked[1][-1].content.startswith("exit code 0\nout\n\nNote: an earlier attempt of this call")


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        pytest.param(call("terminal", comand="ls"), "Wrong arguments for terminal", id="misspelt-argument"),
        pytest.param(call("terminal", command=5), "Wrong arguments for terminal", id="wrong-type"),
        pytest.param(call("fly"), "There is no tool 'fly'. Tools: terminal,", id="unknown-tool"),
        pytest.param(ToolCall(id="1", name="terminal", malformed='{"comm'), "Expected a JSON object", id="not-json"),
        pytest.param(call("terminal", command="exit 7"), "exit code 7\n(no output)", id="failing-command"),
        pytest.param(call("terminal", command=f"echo {'x' * 200_000}"), "at most 100000 bytes", id="too-long-command"),
        pytest.param(call("terminal", command="echo \0"), "without NUL", id="command-with-nul"),
        pytest.param(call("readFiles", files=["no.txt"]), "(not read: No such file or directory)", id="no-such-file"),
        pytest.param(writes(**{"../up": "x"}), "expected a relative path inside the workspace", id="path-outside"),
        pytest.param(writes(**{"x" * 300: "x"}), "Could not write", id="name-too-long"),
    ],
)
def test_a_failing_tool_is_a_result_that_the_model_reads(
    request_: RunRequest, jail: Sandbox, wrong: ToolCall, expected: str
) -> None:
    step = AtOnce(store := MemoryStore())
    model = ScriptedModel(says("", wrong), says("", writes(**PAGE)), says("Done"))
    assert run(request_, model, jail, step, store).summary == "Done"
    assert expected in model.asked[1][-1].content
    assert [data["ok"] for data in step.events.of("tool-result")] == [False, True]


def test_problems_that_the_check_finds_go_back_to_the_model(request_: RunRequest, jail: Sandbox) -> None:
    step = AtOnce(store := MemoryStore())
    model = ScriptedModel(
        says("", writes(a__py="def f(:\n", b__json="{")),
        says("Done"),
        says("", writes(a__py="", b__json="{}")),
        says("Now"),
    )
    assert run(request_, model, jail, step, store).summary == "Now"
    question = model.asked[2][-1]
    assert question.role == "user"
    assert "b.json: not well-formed JSON" in question.content
    assert "a.py:1: " in question.content
    assert step.ran[-4:] == ["tool-3-1", "model-4", "check-2", "finish"]


def test_a_model_that_lets_a_problem_stand_is_asked_once(request_: RunRequest, no_jail: Sandbox) -> None:
    step = AtOnce(store := MemoryStore())
    assert run(request_, ScriptedModel(says("No files needed")), no_jail, step, store).files == {}
    assert step.ran == ["prepare", "model-1", "check-1", "model-2", "check-2", "finish"]


def test_out_of_turns_it_finishes_with_what_there_is_and_says_so(request_: RunRequest, no_jail: Sandbox) -> None:
    step = AtOnce(store := MemoryStore())
    model = ScriptedModel(says("More", writes(**PAGE)))
    result = run_code_agent(request_, step, model=model, sandbox=no_jail, store=store, limits=Limits(max_turns=2))
    assert (result.summary, result.outcome) == ("More", "partial")
    assert result.missing == "Stopped after 2 turns, before the work was finished."
    assert "This is your last turn" in model.asked[-1][-1].content
    assert (list(result.files), result.framework) == (["index.html"], "static")
    assert result.usage == Usage(input_tokens=20, output_tokens=10)


def test_a_passed_deadline_ends_the_run_with_the_code_timeout(request_: RunRequest, no_jail: Sandbox) -> None:
    step = AtOnce(store := MemoryStore())
    limits = Limits(deadline=time.time() - 1)
    with pytest.raises(PermanentError) as caught:
        run_code_agent(request_, step, model=ScriptedModel(says("x")), sandbox=no_jail, store=store, limits=limits)
    assert caught.value.code == "timeout"
    assert step.events.of("time-budget") == [{"remaining": 0, "stage": "model"}]


def test_a_deadline_that_passes_during_a_command_ends_the_run(request_: RunRequest, jail: Sandbox) -> None:
    step = AtOnce(store := MemoryStore())
    model = ScriptedModel(says("", call("terminal", command="sleep 600")))
    limits = Limits(deadline=time.time() + 1)
    with pytest.raises(PermanentError, match="longer than it may") as caught:
        run_code_agent(request_, step, model=model, sandbox=jail, store=store, limits=limits)
    assert caught.value.code == "timeout"


def test_a_later_run_continues_from_the_projects_files(request_: RunRequest, no_jail: Sandbox, tmp_path: Path) -> None:
    """FINDINGS D3: it sent two system messages."""
    step = AtOnce(store := MemoryStore(plain({"old.txt": b"old"})))
    model = ScriptedModel(says("", writes(new__txt="new")), says("Done"))
    run(request_, model, no_jail, step, store)
    assert [message.role for message in model.asked[0]] == ["system", "user"]
    assert "- old.txt" in model.asked[0][0].content
    assert store.project == plain({"old.txt": b"old", "new.txt": b"new"})
