"""The conversation for endpoints that lack something: tools written as text, one call at a time, no system message."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from agent.messages import Message, ModelReply, ToolCall, ToolSpec
from agent.models.reading import arguments, plain

FENCE: Final = "```tool"
CALL: Final = re.compile(r"^```tool[^\S\n]*\n((?:(?!```).*\n)*+)```[^\S\n]*$", re.MULTILINE)
HOW: Final = """\
You have no other tools than these. To use them, end your answer with one block for each call, then stop:
```tool
{"name": "…", "args": {…}}
```
The results come in the next message. The tools, with the JSON Schema of their args:
"""


def described(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[Message]:
    """``messages`` with the tools explained in the system message, calls and results as text."""
    listed = "\n".join(json.dumps(tool.model_dump(), ensure_ascii=False) for tool in tools)
    turned: list[Message] = []
    for message in messages:
        if message.role == "system":
            turned.append(message.model_copy(update={"content": f"{message.content}\n{HOW}{listed}"}))
        elif message.role == "tool":
            _said(turned, f"Result of {message.tool_call_id}:\n{message.content}")
        elif message.tool_calls:
            calls = "\n".join(map(_written, message.tool_calls))
            turned.append(Message(role="assistant", content=f"{message.content}\n{calls}".strip()))
        else:
            turned.append(message)
    return turned


def parsed(reply: ModelReply) -> ModelReply:
    """``reply`` with the calls that are written in its text."""
    calls = [_call(number, match.group(1)) for number, match in enumerate(CALL.finditer(reply.text))]
    text = CALL.sub("", reply.text)
    if reply.stop == "length" and FENCE in text:
        text, _, cut = text.rpartition(FENCE)
        calls.append(ToolCall(id=f"call_{len(calls)}", name="unknown", malformed=cut.strip(), was_cut=True))
    return reply.model_copy(update={"text": text.strip(), "tool_calls": [*reply.tool_calls, *calls]})


def one_at_a_time(messages: Sequence[Message]) -> list[Message]:
    """Every answer with several calls as several answers with one call each, followed by its result."""
    results = {id(call): message for call, message in _pairs(messages)}
    turned: list[Message] = []
    for message in messages:
        if message.role == "tool":
            continue
        if not message.tool_calls:
            turned.append(message)
        for number, call in enumerate(message.tool_calls):
            content = message.content if number == 0 else ""
            turned.append(message.model_copy(update={"content": content, "tool_calls": [call]}))
            if (result := results.get(id(call))) is not None:
                turned.append(result)
    return turned


def without_system(messages: Sequence[Message]) -> list[Message]:
    """The first message of the user begins with what the system message said."""
    system = "\n".join(message.content for message in messages if message.role == "system")
    turned = [message for message in messages if message.role != "system"]
    if system and turned:
        turned[0] = turned[0].model_copy(update={"content": f"{system}\n\n{turned[0].content}"})
    return turned


def _pairs(messages: Sequence[Message]) -> list[tuple[ToolCall, Message]]:
    """Each call with its result: the first of that id after it, as ids may come again in a later turn."""
    open_calls: dict[str, ToolCall] = {}
    pairs = []
    for message in messages:
        open_calls.update({call.id: call for call in message.tool_calls})
        if message.tool_call_id is not None and (call := open_calls.pop(message.tool_call_id, None)) is not None:
            pairs.append((call, message))
    return pairs


def _said(turned: list[Message], text: str) -> None:
    if turned and turned[-1].role == "user":
        turned[-1] = turned[-1].model_copy(update={"content": f"{turned[-1].content}\n\n{text}"})
    else:
        turned.append(Message(role="user", content=text))


def _written(call: ToolCall) -> str:
    return f"{FENCE}\n{json.dumps({'name': call.name, 'args': call.args}, ensure_ascii=False)}\n```"


def _call(number: int, written: str) -> ToolCall:
    call = arguments(written) or {}
    name, args = call.get("name"), call.get("args") or {}
    if not isinstance(name, str) or not isinstance(args, dict):
        return ToolCall(id=f"call_{number}", name="unknown", malformed=written)
    return ToolCall(id=f"call_{number}", name=plain(name) or "unknown", args=args)
