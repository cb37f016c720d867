"""One model call of the loop: what the model is told before it, who answers, and what the answer cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import count
from typing import Final

from agent import tools
from agent.approval import needing
from agent.budget import standing
from agent.conversation import Conversation, noted, with_words
from agent.errors import ContextOverflow, PermanentError
from agent.messages import Limits, Message, ModelReply, ToolCall, ToolSpec, Turn, Usage
from agent.protocols import ChatModel, Emit, Tries, User

LONGEST_ID: Final = 56
"""Characters of an id that get a number; providers take 64."""


def ask(model: ChatModel, user: User, talk: Conversation, limits: Limits, emit: Emit) -> Turn:
    """Raises ``PermanentError`` with code ``refused`` and the model's own words where it refuses."""
    now = standing(limits, talk.turn + 1, talk.usage, talk.size, time.time())
    if now.notice:
        emit("status", f"To the model: {now.notice.strip('[]')}")
    heard = user.messages(talk.heard, last=now.is_last)
    messages = [message.whole for message in noted(with_words(talk.messages, heard), now.notice)]
    try:
        answerer, reply = _answered(model, talk.model, messages, tools.specs(limits), emit)
    except ContextOverflow as error:
        emit("status", f"{error} The conversation is shortened.")
        return Turn(stop="overflow", model=talk.model, is_last=now.is_last, heard=heard)
    if reply.stop == "refused":
        raise PermanentError(reply.text.strip() or "The model refused without a word.", code="refused")
    usage = reply.usage + _abandoned(emit.tries, reply.usage)
    told = {"usage": usage, "model": answerer.name, "notice": now.notice, "is_last": now.is_last, "heard": heard}
    # Decided here and remembered, so that a replay under other settings asks for nothing that is done already.
    told["to_approve"] = needing(reply.tool_calls[: limits.max_calls], limits.approve)
    told["tool_calls"] = _told_apart(reply.tool_calls, talk.messages)
    return Turn.model_validate({**reply.model_dump(), **told})


def _told_apart(calls: Sequence[ToolCall], messages: Sequence[Message]) -> list[ToolCall]:
    """``calls`` with ids that no other call of the conversation has: providers refuse one in which an id comes twice,
    and there are endpoints that begin to count anew in each reply."""
    taken = {call.id for message in messages for call in message.tool_calls}
    apart = []
    for call in calls:
        free = (f"{call.id[:LONGEST_ID]}_{number}" for number in count(2))
        id = call.id if call.id not in taken else next(id for id in free if id not in taken)
        taken.add(id)
        apart.append(call.model_copy(update={"id": id}))
    return apart


def _answered(
    model: ChatModel, used: str, messages: Sequence[Message], specs: Sequence[ToolSpec], emit: Emit
) -> tuple[ChatModel, ModelReply]:
    """The reply and who gave it: the fallback where ``model`` fails for good, or has before (``used``)."""
    fallback = model.fallback
    if fallback is None:
        return model, model.reply(messages, specs, emit)
    if used != fallback.name and emit.tries.is_last:
        emit("status", f"{model.name} has failed {emit.tries.failed} times. Going on with {fallback.name}")
    elif used != fallback.name:
        try:
            return model, model.reply(messages, specs, emit)
        except ContextOverflow:
            raise
        except PermanentError as error:
            if error.code != "failed":
                raise
            emit("status", f"{error} Going on with {fallback.name}")
    return fallback, fallback.reply(messages, specs, emit)


def _abandoned(tries: Tries, paid: Usage) -> Usage:
    """What the attempts before had used up. One that was cut off had sent the same messages as this one."""
    lost = tries.spent + tries.interrupted * paid.input_tokens
    each = paid.cost / (paid.input_tokens + paid.output_tokens) if paid.cost else 0.0
    return Usage(abandoned=lost, cost=lost * each)
