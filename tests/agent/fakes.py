"""Stand-ins for what surrounds the agent: an engine that replays as Inngest does, a store, a model with a script."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from agent.entries import Entry, LeftOut, Tree
from agent.memory_store import MemoryStore
from agent.messages import Message, ModelReply, ToolCall, ToolSpec, Usage
from agent.protocols import JSON, ChatModel, Emit, Step, Tries

T = TypeVar("T")


class Events:
    """An ``Emit`` that remembers. ``on_check`` is called by ``check`` and may raise."""

    def __init__(self, on_check: Callable[[], None] = lambda: None) -> None:
        self.tries = Tries()
        self.all: list[tuple[str, Any]] = []
        self.attempt = 0
        self.changes: dict[str, Entry | None] = {}
        self.left_out: list[LeftOut] | None = None
        self._on_check = on_check

    def __call__(self, type: str, data: JSON) -> None:
        self.all.append((type, json.loads(json.dumps(data))))

    def keep(self, changes: Mapping[str, Entry | None], left_out: Sequence[LeftOut] = ()) -> None:
        self.changes.update(changes)
        self.left_out = list(left_out)

    def check(self) -> None:
        self._on_check()

    def of(self, type: str) -> list[Any]:
        return [data for name, data in self.all if name == type]

    def types(self) -> list[str]:
        return [name for name, _ in self.all]

    def text(self) -> str:
        return "".join(self.of("text"))


def plain(files: Mapping[str, bytes]) -> Tree:
    """Plain files as a workspace's."""
    return {path: Entry(content) for path, content in files.items()}


class Interrupt(BaseException):
    """How Inngest leaves the function after each step."""


class StepByStep:
    """A ``Step`` that runs one new body per call of the function, then leaves it, and replays the finished ones."""

    def __init__(self, store: MemoryStore, before_body: Callable[[str], None] = lambda step: None) -> None:
        self.events = Events()
        self.ran: list[str] = []
        self._store = store
        self._before_body = before_body
        self._memo: dict[str, str] = {}

    def run(self, step_id: str, body: Callable[[Emit], T]) -> T:
        if step_id not in self._memo:
            self._before_body(step_id)
            self.ran.append(step_id)
            self.events.changes, self.events.left_out = {}, None
            self._memo[step_id] = json.dumps(body(self.events))
            if self.events.left_out is not None:
                self._store.apply(self.events.changes, self.events.left_out)
            raise Interrupt
        result: T = json.loads(self._memo[step_id])
        return result

    def drive(self, function: Callable[[Step], T]) -> T:
        while True:
            try:
                return function(self)
            except Interrupt:
                continue


class AtOnce(StepByStep):
    """A ``Step`` that runs each body where it stands."""

    def run(self, step_id: str, body: Callable[[Emit], T]) -> T:
        try:
            return super().run(step_id, body)
        except Interrupt:
            return super().run(step_id, body)


class ScriptedModel:
    """A ``ChatModel`` that gives ``replies`` in turn, the last one again and again, and keeps what it was asked."""

    name = "scripted"
    brings_all = False
    introduction = "A scripted model"
    fallback: ChatModel | None = None

    def __init__(self, *replies: ModelReply, context: int = 128_000) -> None:
        self.context = context
        self._replies = replies
        self.asked: list[Sequence[Message]] = []

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec], emit: Emit) -> ModelReply:
        self.asked.append(messages)
        reply = self._replies[min(len(self.asked), len(self._replies)) - 1]
        if reply.text:
            emit("text", reply.text)
        return reply


def says(text: str, *calls: ToolCall) -> ModelReply:
    return ModelReply(text=text, tool_calls=list(calls), usage=Usage(input_tokens=10, output_tokens=5))


def call(name: str, **args: Any) -> ToolCall:
    return ToolCall(id="same", name=name, args=args)


def writes(**files: str) -> ToolCall:
    """A call that writes ``files``; ``__`` in a name stands for a dot."""
    listed = [{"path": name.replace("__", "."), "content": content} for name, content in files.items()]
    return call("createOrUpdateFiles", files=listed)
