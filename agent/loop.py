"""The agent: prepare, ask, act, check, finish.

The engine may run this function many times for one run and replay the results of finished steps. So everything here
is a pure function of those results; the world is touched only in the bodies that ``steps.py`` holds.
"""

from __future__ import annotations

from functools import partial

from agent import prompts
from agent.conversation import Conversation
from agent.messages import Beginning, Limits, RunRequest, RunResult, Turn
from agent.protocols import JSON, ChatModel, ProjectStore, Sandbox, Step, User
from agent.steps import Bodies
from agent.user import Silent

DEFAULT_LIMITS = Limits()
SILENT = Silent()


def run_code_agent(
    request: RunRequest,
    step: Step,
    *,
    model: ChatModel,
    sandbox: Sandbox,
    store: ProjectStore,
    user: User = SILENT,
    limits: Limits = DEFAULT_LIMITS,
) -> RunResult:
    """Build what ``request`` asks for, in steps ``prepare``, ``model-1``, ``tool-1-1``, …, ``check-1``, ``finish``.

    ``approval-1-1`` comes before a call that the user has to allow.

    Raises ``PermanentError``, ``TransientError`` or ``Cancelled``. The caller publishes the terminal event.
    """
    do = Bodies(request, model, sandbox, store, user, limits)
    beginning = Beginning.model_validate(step.run("prepare", do.prepare))
    talk = Conversation(prompts.opening(request, beginning), limits, model.context)

    while True:
        if talk.is_over:
            end = step.run(f"finish-{talk.endings + 1}" if talk.endings else "finish", partial(do.finish, talk))
            if end is not None:
                return RunResult.model_validate(end)
            talk.reopen()

        if talk.is_full:
            talk.compact(step.run(f"compact-{talk.compactions + 1}", partial(do.compact, talk)))

        turn = talk.turn + 1
        reply = Turn.model_validate(step.run(f"model-{turn}", partial(do.ask, turn, talk)))
        talk.add(reply)

        for number, call in enumerate(reply.tool_calls[: limits.max_calls], start=1):
            place = f"{turn}-{number}"
            answer: JSON = None
            if number in reply.to_approve:
                answer = step.run(f"approval-{place}", partial(do.ask_user, place, call))
            talk.add_result(call, step.run(f"tool-{place}", partial(do.act, place, call, answer)))

        if talk.wants_check:
            talk.judge(step.run(f"check-{talk.checks + 1}", partial(do.check, turn, talk.usage)))
