"""The offline model: speaks the script word by word, as a language model would."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Final

from agent.messages import Message, ModelReply, ToolSpec
from agent.models.offline import script
from agent.protocols import ChatModel, Emit

WORD: Final = re.compile(r"\S+\s*|\s+")


class OfflineModel:
    """``delay``: seconds between two words, for people who watch."""

    name = "offline"
    brings_all = True
    context = 128_000  # a script reads no more than it has to
    fallback: ChatModel | None = None
    introduction = (
        "This is a scripted demonstration without a language model: it picks one of a few prepared projects by the "
        "words of the prompt. The files, the commands and their output are real."
    )

    def __init__(self, delay: float) -> None:
        self._delay = delay

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec], emit: Emit) -> ModelReply:
        reply = script.next_reply(messages)
        for word in WORD.findall(reply.text):
            emit.check()
            emit("text", word)
            time.sleep(self._delay)
        return reply
