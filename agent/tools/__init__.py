"""The tools a model can call. Whatever goes wrong in one becomes a text that the model reads, not an exception."""

from __future__ import annotations

import time
from typing import Any, Final

from pydantic import ValidationError

from agent import prompts
from agent.messages import Limits, ToolCall, ToolSpec
from agent.paths import InvalidPath
from agent.tools.base import Context, Tool, ToolFailure
from agent.tools.edit_file import EDIT_FILE
from agent.tools.list_files import LIST_FILES
from agent.tools.process import PROCESS
from agent.tools.read_files import READ_FILES
from agent.tools.search_files import SEARCH_FILES
from agent.tools.terminal import TERMINAL
from agent.tools.write_files import WRITE_FILES

__all__ = ["Context", "answer", "specs"]

USUAL: Final = Limits()
MAX_ERRORS: Final = 8
"""Of wrong arguments that a model is told of."""
MAX_SHOWN: Final = 200
"""Characters of what was wrong."""
ALL: Final = (TERMINAL, PROCESS, WRITE_FILES, EDIT_FILE, READ_FILES, LIST_FILES, SEARCH_FILES)
TOOLS: Final[dict[str, Tool[Any]]] = {tool.name: tool for tool in ALL}


def specs(limits: Limits = USUAL) -> list[ToolSpec]:
    """The tools as a model is told about them, with what ``limits`` says of them."""
    return [tool.spec(limits) for tool in TOOLS.values()]


def answer(call: ToolCall, context: Context) -> str:
    """Do what ``call`` asks and return what the model reads; emits ``tool-result`` at the end."""
    started = time.monotonic()
    try:
        text, note, ok = *_run(call, context), True
    except ToolFailure as failure:
        text, note, ok = str(failure), failure.note, False
    elapsed = int((time.monotonic() - started) * 1000)
    context.emit("tool-result", {"callId": context.call_id, "ok": ok, "note": note, "elapsed": elapsed})
    return text


def _run(call: ToolCall, context: Context) -> tuple[str, str]:
    if context.refusal:
        raise ToolFailure(context.refusal, "not allowed")
    if call.was_cut:
        size = len(call.malformed or "")
        raise ToolFailure(prompts.CUT_ARGUMENTS.format(name=call.name, size=size), "arguments cut at the output limit")
    if call.malformed is not None:
        raise ToolFailure(f"Expected a JSON object as arguments, got {call.malformed[:500]!r}.", "malformed arguments")
    if (tool := TOOLS.get(call.name)) is None:
        raise ToolFailure(f"There is no tool {call.name!r}. Tools: {', '.join(TOOLS)}.", "unknown tool")
    try:
        args = tool.args.model_validate(call.args)
    except ValidationError as error:
        raise ToolFailure(f"Wrong arguments for {call.name}: {_explain(error)}.", "wrong arguments") from error
    try:
        return tool.run(args, context)
    except InvalidPath as error:
        raise ToolFailure(f"Nothing was done: {error}.", "wrong path") from error


def _explain(error: ValidationError) -> str:
    """The first of what is wrong: a list of a million numbers is wrong a million times."""
    said = [
        f"{'.'.join(map(str, item['loc']))[:MAX_SHOWN] or 'arguments'}: {item['msg'][:MAX_SHOWN]}"
        for item in error.errors(include_input=False, include_context=False, include_url=False)[:MAX_ERRORS]
    ]
    more = error.error_count() - len(said)
    return "; ".join([*said, *([f"and {more} more"] if more > 0 else [])])
