"""The bodies of the agent's steps: the only code of the loop that publishes, reads the clock or touches the world.

Each takes the ``Emit`` of its attempt last and returns JSON. A body may be run again after it was interrupted, so it
begins by putting the workspace back to what the last finished step left.
"""

from __future__ import annotations

from typing import Final

from agent import asking, checks, notes, outcome, prompts, templates, tools, workspace
from agent.compaction import compacted, tokens
from agent.contents import Contents
from agent.conversation import Conversation
from agent.deadline import DeadlineEmit, bring_forward, remaining
from agent.entries import Marks, Stored, marked
from agent.errors import TransientError
from agent.messages import Approval, ApprovalRequest, Beginning, Limits, RunRequest, ToolCall, Usage
from agent.protocols import JSON, ChatModel, Emit, ProjectStore, Sandbox, User

CHECK_TIMEOUT: Final = 20.0
"""Seconds for the cheap checks; a project of this size needs a fraction of one."""
BACKGROUND_TIMEOUT: Final = 3600.0
"""Seconds that a background process may take, within its run's time."""
BUILD_TIMEOUT: Final = 300.0
"""Seconds to build a project, and as many before it to install what that needs."""


class Bodies:
    def __init__(
        self,
        request: RunRequest,
        model: ChatModel,
        sandbox: Sandbox,
        store: ProjectStore,
        user: User,
        limits: Limits,
    ) -> None:
        self.request = request
        self.model = model
        self.sandbox = sandbox
        self.store = store
        self.user = user
        self.limits = limits

    def prepare(self, emit: Emit) -> JSON:
        """Begin with the project as it is; returns a ``Beginning``."""
        emit("status", self.model.introduction)
        history = self.store.open_project()
        stored = self.store.state()
        files = sorted(stored.files())
        if files:
            emit("status", f"Continuing the project's {len(files)} files")
        template = self._template
        with self.sandbox.hold(emit.check):
            workspace.restore(self.sandbox, stored, self.store.read, emit.check)
            if template:
                emit("status", f"Beginning with the template {template.name}")
                workspace.put(self.sandbox, template.tree, emit.check)
                workspace.keep(self.sandbox, stored, emit)
                files = list(template.tree)
        name = template.name if template else ""
        beginning = Beginning(files=files[: prompts.MAX_LISTED], count=len(files), history=history, template=name)
        return beginning.model_dump(by_alias=True, mode="json")

    def compact(self, talk: Conversation, emit: Emit) -> int:
        """Say that the conversation is made shorter; returns the size that it is to have, in tokens."""
        before, after = talk.size, tokens(compacted(talk.messages, talk.target))
        emit("status", f"The conversation is shortened from about {before:,} tokens to {after:,}")
        return talk.target

    def ask(self, turn: int, talk: Conversation, emit: Emit) -> JSON:
        """One model call; returns a ``Turn``."""
        emit = self._begin("model", turn, talk.usage, emit)
        try:
            reply = asking.ask(self.model, self.user, talk, self.limits, emit)
        except TransientError as error:
            bring_forward(error, self.limits.deadline)
            raise
        return reply.model_dump(by_alias=True, mode="json")

    def ask_user(self, place: str, call: ToolCall, emit: Emit) -> JSON:
        """Whether the user allows a call, which is published with that; returns an ``Approval``."""
        emit = self._watched(emit)
        request = ApprovalRequest(id=f"approval-{place}", call_id=f"call-{place}", tool=call.name, args=call.args)
        return self.user.allows(request, emit).model_dump(by_alias=True, mode="json")

    def act(self, place: str, call: ToolCall, answer: JSON, emit: Emit) -> str:
        """One tool call; returns the text that the model sees. ``answer``: an ``Approval``, where one was asked for."""
        call_id = f"call-{place}"
        emit = self._watched(emit)
        with self.sandbox.hold(emit.check):
            before, restored = self._restore(emit)
            if answer is None:
                emit("tool-call", {"tool": call.name, "args": call.args, "callId": call_id})
            refusal = "" if answer is None else prompts.refusal(Approval.model_validate(answer))
            timeout, longest = self._timeout(self.limits.command_timeout), self._timeout(BACKGROUND_TIMEOUT)
            context = tools.Context(self.sandbox, emit, call_id, timeout, before, refusal, longest)
            result = tools.answer(call, context)
            left_out = workspace.keep(self.sandbox, before, emit).left_out
        if left_out:
            emit("status", notes.not_kept(left_out))
        return notes.beside(result, restored, left_out)

    def check(self, turn: int, usage: Usage, emit: Emit) -> list[str]:
        """Checks of what was made; returns the problems found, or that it cannot be built here."""
        emit = self._begin("check", turn, usage, emit)
        with self.sandbox.hold(emit.check):
            stored, restored = self._restore(emit)
            if stored.tree == self._began_with:
                return [prompts.NOTHING_DONE]
            files = Contents(stored.files(), self.store.read)
            found = checks.check(files, self.sandbox, self._timeout(CHECK_TIMEOUT), emit.check)
            build = checks.build_of(files)
            is_built = build is not None and not found.problems
            if build is not None and is_built:
                emit("status", f"Check: {build.name}")
                found += checks.run_build(build, self.sandbox, self._timeout(BUILD_TIMEOUT), emit.check)
            if is_built or restored.is_worked_in:
                workspace.keep(self.sandbox, stored, emit)  # else what was made would be undone in the next call
        emit("status", f"Check: {'; '.join(found.problems) or 'nothing wrong found'}")
        if found.unchecked:
            emit("status", f"Not checked: {'; '.join(found.unchecked)}")
        return found.problems or ([f"{prompts.NOT_BUILT} {found.unbuilt}"] if found.unbuilt else [])

    def finish(self, talk: Conversation, emit: Emit) -> JSON:
        """Save the project and describe it; returns a ``RunResult``, or None: the user has said something meanwhile."""
        if not self.user.leave(talk.heard):
            return None
        missing = talk.missing
        stored = self.store.state()
        end = outcome.outcome(missing, has_changes=stored.tree != self._began_with)
        if missing:
            emit("status", f"Not everything is done. {missing}")
        shown = outcome.shown(stored.files(), self.store.read)
        if shown.left_out:
            emit("status", f"Stored, but not shown here (binary or too much): {outcome.listed(shown.left_out)}")
        emit("files", shown.texts)
        self.store.save_project(outcome.done(self.request, end, talk.summary))
        result = outcome.result(self.request, end, missing, talk.summary, shown, self.sandbox.id, talk.usage)
        return result.model_dump(by_alias=True, mode="json")

    @property
    def _template(self) -> templates.Template | None:
        """What the project was given at its beginning, if it was empty then."""
        if self.store.base() or (self.model.brings_all and self.request.framework is None):
            return None
        return templates.choose(self.request.value, self.request.framework)

    @property
    def _began_with(self) -> Marks:
        template = self._template
        return marked(template.tree) if template else self.store.base()

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
        if self.limits.deadline is None:
            return wanted
        left = remaining(self.limits.deadline)
        # The last seconds belong to the model, which is then told to leave things working.
        return max(0.0, min(wanted, left - self.limits.wind_down if left > self.limits.wind_down else left))

    def _restore(self, emit: Emit) -> tuple[Stored, workspace.Restored]:
        """The stored state, to which the workspace is equal now, and what that has cost."""
        stored = self.store.state()
        restored = workspace.restore(self.sandbox, stored, self.store.read, emit.check)
        if restored.gone:
            emit("status", notes.gone(restored.gone))
        if restored.stopped:
            emit("status", notes.stopped(restored.stopped))
        return stored, restored
