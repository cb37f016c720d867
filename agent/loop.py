"""The agent: prepare, ask, act, check, finish.

The engine may run this function many times for one run and replay the results of finished steps. So everything here
is a pure function of those results; the world is touched only in the bodies that ``steps.py`` holds.
"""

from __future__ import annotations

from functools import partial

from agent import prompts
from agent.messages import Limits, Message, ModelReply, RunRequest, RunResult, Usage
from agent.protocols import ChatModel, ProjectStore, Sandbox, Step
from agent.steps import Bodies

DEFAULT_LIMITS = Limits()


def run_code_agent(
    request: RunRequest,
    step: Step,
    *,
    model: ChatModel,
    sandbox: Sandbox,
    store: ProjectStore,
    limits: Limits = DEFAULT_LIMITS,
) -> RunResult:
    """Build what ``request`` asks for, in steps ``prepare``, ``model-1``, ``tool-1-1``, …, ``check-1``, ``finish``.

    Raises ``PermanentError``, ``TransientError`` or ``Cancelled``. The caller publishes the terminal event.
    """
    do = Bodies(request, model, sandbox, store, limits)
    messages = prompts.opening(request, step.run("prepare", do.prepare))
    usage, summary, checks, problems = Usage(), "", 0, None

    for turn in range(1, limits.max_turns + 1):
        reply = ModelReply.model_validate(step.run(f"model-{turn}", partial(do.ask, turn, list(messages), usage)))
        messages.append(Message(role="assistant", content=reply.text, tool_calls=reply.tool_calls))
        usage, summary = usage + reply.usage, reply.text or summary

        for number, call in enumerate(reply.tool_calls, start=1):
            result = step.run(f"tool-{turn}-{number}", partial(do.act, f"call-{turn}-{number}", call))
            messages.append(Message(role="tool", content=result, tool_call_id=call.id))
        if reply.tool_calls:
            continue

        checks += 1
        previous, problems = problems, step.run(f"check-{checks}", partial(do.check, turn, usage))
        if not problems or problems == previous:  # who lets the same problems stand has said the last word
            break
        messages.append(prompts.repair(problems))
    else:
        summary += f"\n\nStopped after {limits.max_turns} turns, before everything was checked."
    return RunResult.model_validate(step.run("finish", partial(do.finish, summary.strip(), usage)))
