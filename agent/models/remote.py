"""A language model behind an endpoint, whatever protocol it speaks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any, Protocol

import httpx2

from agent.compaction import tokens
from agent.errors import PermanentError, TransientError
from agent.messages import Message, ModelReply, ToolSpec, Usage
from agent.models import features, text_tools
from agent.models.assembly import Assembly
from agent.models.connection import Connection
from agent.models.faults import Fault, spoken
from agent.models.reading import GARBLED
from agent.models.specs import ModelSpec
from agent.models.wire import NoReply
from agent.protocols import ChatModel, Emit
from agent.waiting import interruptible


class Dialect(Protocol):
    """A protocol, as its official SDK speaks it: pure translation around the SDK's client."""

    api_key: str
    error: type[Exception]
    """The root of its SDK's errors."""

    def connection(
        self, spec: ModelSpec, messages: Sequence[Message], tools: Sequence[ToolSpec], lacks: features.Lacks
    ) -> Connection[Any]:
        """A request that is sent when its items are asked for; without what the endpoint ``lacks``."""

    def take(self, item: Any, reply: Assembly) -> None:
        """Add one of its items to the reply."""


class RemoteModel:
    """One model at one endpoint. It remembers what the endpoint lacks, so there is one per process."""

    def __init__(self, spec: ModelSpec, dialect: Dialect, fallback: ChatModel | None = None) -> None:
        self.name = spec.id
        self.brings_all = False
        self.introduction = f"Working with {spec.id}"
        self.context = spec.context
        self.fallback = fallback
        self._spec = spec
        self._dialect = dialect
        self._lacks: features.Lacks = frozenset()
        self._has_answered = False
        self._guessed: features.Name | None = None

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec], emit: Emit) -> ModelReply:
        """As ``ChatModel`` says. Its cost is 0 where no price is known."""
        while True:
            reply = Assembly(emit)
            connection = self._connection(messages, tools)
            try:
                with closing(interruptible(connection.items(), check=emit.check, close=connection.close)) as items:
                    for item in items:
                        self._dialect.take(item, reply)
                        if reply.is_full:
                            reply.finish("length")
                            break
            except (self._dialect.error, httpx2.HTTPError) as error:  # the SDK's, or untouched
                fault = Fault(error, self._dialect.api_key)
                feature = None if reply.has_begun else fault.missing(self._lacks) or self._guess(fault)
                if feature is None:
                    if not self._has_answered:
                        self._lacks -= {self._guessed}  # it did not help
                    raise self._meaning(fault, messages, reply) from error
                self._do_without(feature, emit)
            except NoReply as error:
                raise self._broken("answered without a reply", error, messages, reply) from error
            except GARBLED as error:
                raise self._broken("does not keep to its protocol", error, messages, reply) from error
            else:
                if connection.was_whole and "stream" not in self._lacks:
                    self._do_without("stream", emit)
                return self._finished(messages, reply)

    def _connection(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Connection[Any]:
        lacks = self._lacks
        if "tools" in lacks:
            messages, tools = text_tools.described(messages, tools), ()
        if "parallel" in lacks:
            messages = text_tools.one_at_a_time(messages)
        if "system" in lacks:
            messages = text_tools.without_system(messages)
        return self._dialect.connection(self._spec, messages, tools, lacks)

    def _guess(self, fault: Fault) -> features.Name | None:
        """What an endpoint that refuses its first request without saying why may lack: what old servers know least."""
        if self._guessed or self._has_answered or not fault.is_vague or "stream_options" in self._lacks:
            return None
        self._guessed = "stream_options"
        return self._guessed

    def _do_without(self, feature: features.Name, emit: Emit) -> None:
        self._lacks |= {feature}
        emit("status", f"About {self.name}'s endpoint: {features.WORDS[feature]}")

    def _broken(self, how: str, error: Exception, messages: Sequence[Message], reply: Assembly) -> TransientError:
        spent = self._estimate(messages, reply).tokens if reply.has_begun else 0
        words = spoken(error, self._dialect.api_key)
        return TransientError(f"The model's endpoint {how}: {words}", spent=spent)

    def _meaning(self, fault: Fault, messages: Sequence[Message], reply: Assembly) -> Exception:
        spent = self._estimate(messages, reply).tokens if reply.has_begun else 0
        meant = fault.meaning(spent)
        if reply.has_begun and isinstance(meant, PermanentError) and meant.code == "failed":
            return TransientError(f"The model's reply broke off: {meant}", spent=spent)
        return meant

    def _finished(self, messages: Sequence[Message], reply: Assembly) -> ModelReply:
        if reply.stop is None:
            spent = self._estimate(messages, reply).tokens
            raise TransientError("The model's reply ended in the middle", spent=spent)
        self._has_answered = True
        usage = reply.usage or self._estimate(messages, reply)
        if self._spec.price is not None:
            usage = usage.model_copy(update={"cost": round(self._spec.price.of(usage), 8)})
        result = reply.result(usage)
        return text_tools.parsed(result) if "tools" in self._lacks else result

    def _estimate(self, messages: Sequence[Message], reply: Assembly) -> Usage:
        return Usage(input_tokens=tokens(messages), output_tokens=reply.size // 4)
