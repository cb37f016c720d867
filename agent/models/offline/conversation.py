"""The conversation as the script reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from agent import prompts
from agent.messages import Message, ModelReply, ToolCall, Usage
from agent.sandbox.refused import CANNOT_EXECUTE
from agent.templates import TEMPLATES

LINE_NUMBER: Final = re.compile(r"^ *\d+\t", re.MULTILINE)


class Result:
    """A tool's answer."""

    def __init__(self, content: str) -> None:
        self.content = content
        first_line = content.partition("\n")[0]
        self.has_passed = first_line == "exit code 0"
        self.was_refused = first_line == f"exit code {CANNOT_EXECUTE}"

    def without_numbers(self) -> str:
        """What ``readFiles`` has shown, as it stands in the files."""
        return LINE_NUMBER.sub("", self.content)


class Conversation:
    """``request``: what was asked; ``existing``: paths of the project's files; ``template``: what it was given instead.

    ``results``: the tools' answers.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self.request = next(message.content for message in messages if message.role == "user")
        _, _, existing = messages[0].content.partition(prompts.EXISTING)
        system = messages[0].content
        told = (template for template in TEMPLATES if prompts.TEMPLATE.format(about=template.about) in system)
        self.template = next((template.name for template in told), "")
        self.existing = [line.removeprefix("- ") for line in existing.splitlines() if line]
        self.results = [Result(message.content) for message in messages if message.role == "tool"]


def calling(text: str, *calls: ToolCall) -> ModelReply:
    """A reply. Nothing was paid for it, and its usage says so."""
    return ModelReply(text=text, tool_calls=list(calls), usage=Usage())
