"""Which commands wait for their user, and what becomes of the answer."""

from __future__ import annotations

import io
import sys

import pytest

from agent.approval import needing
from agent.loop import run_code_agent
from agent.memory_store import MemoryStore
from agent.messages import Approval, ApprovalRequest, Limits, RunRequest, RunResult, ToolCall
from agent.protocols import Emit, Sandbox
from agent.user import AtTerminal, Silent
from tests.agent.fakes import Events, ScriptedModel, StepByStep, call, says, writes

ASKED = ApprovalRequest(id="approval-1-1", call_id="call-1-1", tool="terminal", args={"command": "rm -r old"})


@pytest.mark.parametrize(
    ("command", "patterns", "waits"),
    [
        ("rm -r old", ["rm *"], True),
        ("ls", ["rm *"], False),
        ("cd src && rm -r old", ["rm *"], True),
        ("echo a\nrm b", ["rm *"], True),
        ("(cd src; (rm b))", ["rm *"], True),
        ("echo `rm b`", ["rm *"], True),
        ("cat a | sh", ["*| sh*"], True),
        ("confirm it", ["rm *"], False),
        ("git push --force", ["git push*", "rm *"], True),
        ("ls", ["*"], True),
        ("rm a", [], False),
    ],
)
def test_a_pattern_means_a_command_whole_or_in_part(command: str, patterns: list[str], waits: bool) -> None:
    assert needing([call("terminal", command=command)], patterns) == [1] * waits


def test_only_commands_wait() -> None:
    calls = [writes(a="a"), ToolCall(id="x", name="terminal", args={}), call("terminal", command=7)]
    assert needing([*calls, call("terminal", command="ls")], ["*"]) == [4]


class Deciding(Silent):
    def __init__(self, answer: Approval) -> None:
        self.answer = answer
        self.asked: list[ApprovalRequest] = []

    def allows(self, request: ApprovalRequest, emit: Emit) -> Approval:
        self.asked.append(request)
        emit("tool-call", {"tool": request.tool, "args": request.args, "callId": request.call_id})
        return self.answer


def run(request: RunRequest, sandbox: Sandbox, model: ScriptedModel, user: Silent) -> tuple[RunResult, StepByStep]:
    store = MemoryStore()
    step, limits = StepByStep(store), Limits(max_turns=5, approve=("rm *",))
    result = step.drive(
        lambda step: run_code_agent(request, step, model=model, sandbox=sandbox, store=store, user=user, limits=limits)
    )
    return result, step


def test_a_replay_asks_once_and_a_refusal_is_the_result(request_: RunRequest, no_jail: Sandbox) -> None:
    user = Deciding(Approval(allow=False, reason="Keep it."))
    rm = call("terminal", command="rm index.html")
    model = ScriptedModel(says("Page", writes(index__html="<title>x</title>"), rm), says("Done."))
    result, step = run(request_, no_jail, model, user)
    assert step.ran == ["prepare", "model-1", "tool-1-1", "approval-1-2", "tool-1-2", "model-2", "check-1", "finish"]
    assert [asked.id for asked in user.asked] == ["approval-1-2"]
    assert list(result.files) == ["index.html"]
    assert model.asked[1][-1].content.endswith("The user says: Keep it.")
    assert [data["callId"] for data in step.events.of("tool-call")] == ["call-1-1", "call-1-2"]
    assert [data["note"] for data in step.events.of("tool-result")][-1] == "not allowed"


def test_an_allowed_command_is_carried_out(request_: RunRequest, jail: Sandbox) -> None:
    rm = call("terminal", command="rm index.html; echo a > a.txt")
    model = ScriptedModel(says("Page", writes(index__html="<title>x</title>"), rm), says("Done."))
    result, _ = run(request_, jail, model, Deciding(Approval(allow=True)))
    assert list(result.files) == ["a.txt"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "allow"), [("y\n", True), ("Yes\n", True), ("n\n", False), ("", False)])
def test_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch, typed: str, allow: bool) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    events = Events()
    assert AtTerminal().allows(ASKED, events).allow is allow
    assert events.types() == ["tool-call", "approval-request", "approval-answer"]


def test_without_a_terminal_nothing_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    events = Events()
    assert AtTerminal().allows(ASKED, events).allow is False
    assert events.types() == ["tool-call"]
