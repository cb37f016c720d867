"""The bodies of the agent's steps: the only code of the loop that publishes, reads the clock or touches the world.

Each takes the ``Emit`` of its attempt last and returns JSON. A body may be run again after it was interrupted, so it
begins by putting the workspace back to what the last finished step left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent import checks, outcome, tools, workspace
from agent.deadline import DeadlineEmit, remaining
from agent.exclusive import exclusive
from agent.messages import Limits, Message, RunRequest, ToolCall, Usage
from agent.protocols import JSON, ChatModel, Emit, ProjectStore, Sandbox

CHECK_TIMEOUT: Final = 20.0
"""Seconds for the cheap checks; a project of this size needs a fraction of one."""


class Bodies:
    def __init__(
        self, request: RunRequest, model: ChatModel, sandbox: Sandbox, store: ProjectStore, limits: Limits
    ) -> None:
        self.request = request
        self.model = model
        self.sandbox = sandbox
        self.store = store
        self.limits = limits

    def prepare(self, emit: Emit) -> list[str]:
        """Take over the project's files; returns their paths."""
        emit("status", self.model.introduction)
        files = self.store.project_files()
        if files:
            emit("status", f"Continuing the project's {len(files)} files")
            emit.keep(files)
        with exclusive(self.sandbox.root, emit.check):
            workspace.sync(self.sandbox.root, files)
        return sorted(files)

    def ask(self, turn: int, messages: Sequence[Message], usage: Usage, emit: Emit) -> JSON:
        """One model call; returns a ``ModelReply``."""
        emit = self._begin("model", turn, usage, emit)
        return self.model.reply(messages, tools.specs(), emit).model_dump(by_alias=True, mode="json")

    def act(self, call_id: str, call: ToolCall, emit: Emit) -> str:
        """One tool call; returns the text that the model sees."""
        emit = self._watched(emit)
        with exclusive(self.sandbox.root, emit.check):
            before = self._restore()
            emit("tool-call", {"tool": call.name, "args": call.args, "callId": call_id})
            context = tools.Context(self.sandbox, emit, call_id, self._timeout(self.limits.command_timeout))
            result = tools.answer(call, context)
            self._keep_changes(before, emit)
        return result

    def check(self, turn: int, usage: Usage, emit: Emit) -> list[str]:
        """Cheap checks of what was made; returns the problems found."""
        emit = self._begin("check", turn, usage, emit)
        with exclusive(self.sandbox.root, emit.check):
            problems = checks.problems(self._restore(), self.sandbox, self._timeout(CHECK_TIMEOUT), emit.check)
        emit("status", f"Check: {'; '.join(problems)}" if problems else "Check: nothing wrong found")
        return problems

    def finish(self, summary: str, usage: Usage, emit: Emit) -> JSON:
        """Save the project and describe it; returns a ``RunResult``."""
        files = self.store.run_files()
        texts, left_out = outcome.texts(files)
        if left_out:
            emit("status", f"Stored, but not shown here (binary or too much): {outcome.listed(left_out)}")
        emit("files", texts)
        self.store.save_project(files)
        result = outcome.result(self.request, summary, files, texts, self.sandbox.id, usage)
        return result.model_dump(by_alias=True, mode="json")

    def _begin(self, stage: str, turn: int, usage: Usage, emit: Emit) -> Emit:
        spent = usage.model_dump(by_alias=True)
        emit("progress", {"stage": stage, "turn": turn, "maxTurns": self.limits.max_turns, "usage": spent})
        if self.limits.deadline is not None:
            left = max(0, int(remaining(self.limits.deadline) * 1000))
            emit("time-budget", {"remaining": left, "stage": stage})
        return self._watched(emit)

    def _watched(self, emit: Emit) -> Emit:
        watched = emit if self.limits.deadline is None else DeadlineEmit(emit, self.limits.deadline)
        watched.check()
        return watched

    def _timeout(self, wanted: float) -> float:
        left = wanted if self.limits.deadline is None else remaining(self.limits.deadline)
        return max(0.0, min(wanted, left))

    def _restore(self) -> workspace.Files:
        files = self.store.run_files()
        workspace.sync(self.sandbox.root, files)
        return files

    def _keep_changes(self, before: workspace.Files, emit: Emit) -> None:
        changes = workspace.diff(before, workspace.snapshot(self.sandbox.root, before))
        if changes:
            emit.keep(changes)
        for path, content in changes.items():
            emit(*workspace.file_event(path, content, is_new=path not in before))
