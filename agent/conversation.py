"""A run's conversation: what the model is asked next, and when there is nothing more to ask.

Pure state: every replay builds it anew from the results of the steps, so nothing here reads a clock or the world.
Messages are only ever added at the end, except by a compaction; providers' caches hold what was sent before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent import prompts
from agent.compaction import compacted, tokens
from agent.messages import Limits, Message, ToolCall, Turn, Usage

FULL: Final = 0.6
"""Share of the context above which it is compacted: the reply and the next results must still fit."""
COMPACTED: Final = 0.25
"""Share of the context that a compaction leaves."""
MAX_CUTS: Final = 3
"""Replies in a row that may be cut at their longest size; a model that goes on longer does not come to an end."""
MAX_OVERFLOWS: Final = 4
"""Each halves what is taken for the context's size."""
MAX_REPAIRS: Final = 2
"""How often what a check found goes back to the model."""


class Conversation:
    """``context``: tokens that the model can hold, as far as known."""

    def __init__(self, opening: list[Message], limits: Limits, context: int) -> None:
        self.messages = opening
        self.limits = limits
        self.usage = Usage()
        self.model = ""
        self.turn = self.compactions = self.checks = self.heard = self.endings = 0
        self.is_over = self.wants_check = False
        self._context = context
        self._known = 0
        self._known_messages = 0
        self._summary = ""
        self._missing: list[str] = []
        self._cuts = self._overflows = self._repairs = 0
        self._problems: list[str] = []
        self._is_unfinished = self._was_told_empty = self._was_told_nothing_done = False

    @property
    def size(self) -> int:
        """About how many tokens the next call takes in: counted by the provider as far as it has, else estimated."""
        return max(tokens(self.messages), self._known + tokens(self.messages[self._known_messages :]))

    @property
    def is_full(self) -> bool:
        return self.size > self._context * FULL

    @property
    def target(self) -> int:
        return int(self._context * COMPACTED)

    @property
    def summary(self) -> str:
        return self._summary.strip()

    @property
    def missing(self) -> str | None:
        return " ".join(self._missing) or None

    def compact(self, target: int) -> None:
        self.messages = compacted(self.messages, target)
        self.compactions += 1
        self._known = 0

    def add(self, reply: Turn) -> None:
        """Take in the reply to what was asked; its calls' results follow with ``add_result``."""
        self.turn += 1
        self.usage += reply.usage
        self.model = reply.model
        self.messages = with_words(self.messages, reply.heard)
        self.heard += len(reply.heard)
        if reply.stop == "overflow":
            self._overflow(reply.is_last)
            return
        self._note(reply.notice)
        self._summarise(reply)
        content = reply.text if reply.text.strip() or reply.tool_calls else prompts.EMPTY_ANSWER
        calls = [call.model_copy(update={"malformed": None, "was_cut": False}) for call in reply.tool_calls]
        self.messages.append(Message(role="assistant", content=content, tool_calls=calls, blocks=reply.blocks))
        self._known, self._known_messages = reply.usage.input_tokens + reply.usage.output_tokens, len(self.messages)
        self._cuts = self._cuts + 1 if reply.stop == "length" else 0
        for call in reply.tool_calls[self.limits.max_calls :]:
            self.add_result(call, prompts.too_many_calls(self.limits.max_calls))
        self._decide(reply)

    def add_result(self, call: ToolCall, result: str) -> None:
        self.messages.append(Message(role="tool", content=result, tool_call_id=call.id))

    def judge(self, problems: Sequence[str]) -> None:
        """Take in what a check of the files found."""
        self.checks += 1
        self.wants_check = False
        found, before = list(problems), self._problems
        self._problems = found
        if found == [prompts.NOTHING_DONE]:
            self._nothing_done()
        elif not found:
            self.is_over = True
        elif found[0].startswith(prompts.NOT_BUILT):
            self._end(f"{found[0]}.")
        elif self.is_over or self._repairs >= MAX_REPAIRS or found == before:
            self._end(f"A check still finds: {'; '.join(found)}.")
        else:
            self._repairs += 1
            self._note(prompts.repair(found))

    def reopen(self) -> None:
        """The user has said something when all seemed done: the work goes on, and may go wrong anew."""
        self.endings += 1
        self.is_over = False
        self._missing, self._problems = [], []
        self._cuts = self._overflows = self._repairs = 0
        self._was_told_empty = self._was_told_nothing_done = False

    def _decide(self, reply: Turn) -> None:
        if self._cuts > MAX_CUTS:
            self._end("The model's answers were cut at their longest size again and again.")
        if reply.is_last:
            self.is_over = True
            if reply.tool_calls or not reply.text or reply.stop == "length":
                self._end(prompts.stopped(self.limits, self.turn))
        if self.is_over:
            self.wants_check = True
        elif reply.tool_calls:
            pass  # the model goes on when it has read their results
        elif reply.stop == "length":
            self._note(prompts.CONTINUE)
        elif reply.text.strip():
            self.wants_check = True
        elif self._was_told_empty or self._was_told_nothing_done:
            self._end("The model gave empty answers.")
            self.wants_check = True
        else:
            self._was_told_empty = True
            self._note(prompts.ASK_AFTER_EMPTY)

    def _nothing_done(self) -> None:
        if self.is_over or self._was_told_nothing_done:
            self.is_over = True
            if not self.summary.casefold().startswith(prompts.NOTHING_TO_DO.casefold()):
                self._missing.append("No file was made or changed.")
        else:
            self._was_told_nothing_done = True
            self._note(prompts.NOTHING_DONE)

    def _overflow(self, is_last: bool) -> None:
        self._overflows += 1
        self._context = min(self._context, self.size) // 2
        if is_last or self._overflows > MAX_OVERFLOWS:
            self._end("The conversation is longer than the model can read.")
            self.wants_check = True

    def _summarise(self, reply: Turn) -> None:
        """The last answer that says something; one that was cut goes on in the next."""
        if reply.text.strip():
            self._summary = self._summary + reply.text if self._is_unfinished else reply.text
        self._is_unfinished = reply.stop == "length" and not reply.tool_calls

    def _end(self, missing: str) -> None:
        self.is_over = True
        self._missing.append(missing)

    def _note(self, text: str) -> None:
        self.messages = noted(self.messages, text)


def noted(messages: Sequence[Message], text: str) -> list[Message]:
    """``messages`` with ``text`` for the model: at the end of what it has not read yet, or as a message of its own.

    Several endpoints refuse two messages of the user in a row, or one right after a tool's result.
    """
    if not text:
        return list(messages)
    *before, last = messages
    if last.role == "assistant":
        return [*messages, Message(role="user", content=text)]
    return [*before, last.model_copy(update={"content": f"{last.content}\n\n{text}".lstrip("\n")})]


def with_words(messages: Sequence[Message], words: Sequence[str]) -> list[Message]:
    """``messages`` with what the user has said, where a note would stand; a compaction keeps it as it is."""
    if not words:
        return list(messages)
    *before, last = messages if messages[-1].role != "assistant" else [*messages, Message(role="user")]
    said = "\n\n".join([*filter(None, [last.said]), *(prompts.USER_SAYS + one for one in words)])
    return [*before, last.model_copy(update={"said": said})]
