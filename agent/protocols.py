"""The five protocols through which the agent reaches the outside, and the ``Emit`` that a step's body is given.

The only way to get an ``Emit`` is to be the body of a step. That is what makes the agent safe to replay: code outside
``step.run`` may run many times, and it has nothing in its hands with which it could publish or touch the world.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from agent.entries import Changes, Entry, LeftOut, Marks, Stored
from agent.messages import Approval, ApprovalRequest, CommandResult, Done, Message, ModelReply, ToolSpec, Traffic

T = TypeVar("T")

JSON = Any
"""A value that ``json.dumps`` takes: what steps return and events carry."""


@dataclass(frozen=True)
class Tries:
    """How the attempts of a step before this one ended."""

    failed: int = 0
    """They raised, and said so."""
    interrupted: int = 0
    """Their process died or was cut off; nobody knows what they had used up."""
    spent: int = 0
    """Tokens that the failed ones had used."""
    is_last: bool = False
    """If this one fails as well, the run does."""


class Emit(Protocol):
    """Publishes events of one attempt of one step."""

    @property
    def attempt(self) -> int:
        """From 0; above it an earlier attempt may have done something of what this one will do."""

    tries: Tries

    def __call__(self, type: str, data: JSON) -> None:
        """Publish one event (see docs/events.md for the shapes of ``data``).

        Raises ``Cancelled`` when this attempt is no longer wanted, ``TransientError`` when it could not be stored.
        """

    def keep(self, changes: Mapping[str, Entry | None], left_out: Sequence[LeftOut] = ()) -> None:
        """Store changed entries (``None``: deleted) together with this step's result, all or nothing.

        ``left_out``: all that the workspace holds beside what is kept.
        """

    def check(self) -> None:
        """Raise ``Cancelled`` when this attempt is no longer wanted. Cheap: bodies that wait call it twice a second."""


class Step(Protocol):
    """Runs named bodies once each."""

    def run(self, step_id: str, body: Callable[[Emit], T]) -> T:
        """Return what ``body`` returned, now or in an earlier execution of the same run; ``T`` is JSON."""


class ChatModel(Protocol):
    """A chat model that can stream text and ask for tools."""

    name: str
    brings_all: bool
    """It knows beforehand what it will write, and has no use for a template that its prompt seems to ask for."""
    introduction: str
    """What a viewer should know first: the run's first ``status``."""
    context: int
    """Tokens of messages and reply together that it can hold, as far as known."""
    fallback: ChatModel | None
    """Who answers in its stead once it has failed for good."""

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec], emit: Emit) -> ModelReply:
        """Answer ``messages``, emitting ``text`` and ``reasoning`` as they stream.

        Raises ``TransientError`` (rate limit, server error, connection), ``ContextOverflow`` or another
        ``PermanentError`` (bad key, bad request).
        """


@dataclass(frozen=True)
class Span:
    """Which part of a file is wanted: ``lines`` lines (0: all) from line ``first`` on, at most ``limit`` bytes."""

    path: str
    limit: int
    first: int = 1
    lines: int = 0


@dataclass(frozen=True)
class Piece:
    """A part of a file; ``size``: bytes of the whole file, ``more``: whether something follows this part."""

    content: bytes
    size: int
    more: bool


@dataclass(frozen=True)
class Unreadable:
    reason: str


LOST: Final = "lost: "
"""How the words begin for the end of a process that did not end by itself, and that nobody had asked for."""


@dataclass(frozen=True)
class Process:
    """A background process, as a look finds it."""

    handle: str
    command: str
    ended: str | None
    """How, in words; None while it runs."""
    output: str
    """What it has printed since the last look, both streams as they came …"""
    missed: int
    """… without so many bytes at the beginning, which are not kept any more."""
    next: int
    """Where the next look may go on."""
    traffic: Traffic | None = None
    """What went over the network, once it has ended."""

    @property
    def is_lost(self) -> bool:
        return self.ended is not None and self.ended.startswith(LOST)


class Background(Protocol):
    """Commands of a workspace that go on beside later ones, and share their network (a loopback).

    None outlives its run, nor the process of the service that has started it. To be used while holding the workspace,
    except for ``stop_all``.
    """

    def start(self, handle: str, command: str, *, timeout: float) -> str | None:
        """Start a shell command, for ``timeout`` seconds at most; returns why not, where it could not be.

        One of the same handle is stopped first: an interrupted attempt may have left it.
        """

    def look(self, handle: str, *, reader: str, since: int | None = None) -> Process | None:
        """None where nothing is known of it here.

        ``reader`` names the call that looks. It is shown what no other has been shown, again and again the same, or
        what came after ``since``.
        """

    def stop(self, handle: str, why: str) -> None:
        """Kill it, with all that it started, if it runs. ``why``: how it has ended, in words."""

    def stop_all(self, why: str) -> list[str]:
        """Returns the handles of those that ran."""

    def running(self) -> list[str]: ...


class Sandbox(Protocol):
    """Where commands run and files lie. Paths are relative to the workspace; nobody outside knows where that is.

    What is here can be had from a sandbox on another machine too. All of it raises ``TransientError``,
    ``PermanentError``, and what ``check`` raises; ``check`` is called at least twice a second.
    """

    id: str
    background: Background

    def hold(self, check: Callable[[], None]) -> AbstractContextManager[None]:
        """Have the workspace to oneself; all else is to be done while holding it. Made on the first hold."""

    def run(
        self,
        command: str,
        *,
        timeout: float,
        on_output: Callable[[str, str], None],
        check: Callable[[], None],
    ) -> CommandResult:
        """Run a shell command in the workspace; ``on_output(source, chunk)`` gets its output as it comes.

        Whatever ``check`` or ``on_output`` raises kills the command's whole process group and propagates.
        """

    def read(self, spans: Sequence[Span], check: Callable[[], None]) -> list[Piece | Unreadable]:
        """Parts of regular files, in the order asked."""

    def write(
        self, entries: Mapping[str, Entry | None], check: Callable[[], None], *, replace: bool = False
    ) -> dict[str, str]:
        """Write entries (``None``: delete); returns path → why not. ``replace``: whatever is in the way is removed."""

    def changes(self, known: Mapping[str, bytes], check: Callable[[], None]) -> Changes:
        """How the workspace differs from a state given as path → fingerprint, and what in it is not kept."""

    def is_worked_in(self, known: Mapping[str, bytes]) -> bool:
        """Whether it held this state when it was looked at last, and only background processes worked there since."""


class ProjectStore(Protocol):
    """The files of a run, which begin as those of its project; and its project, which outlives it."""

    def open_project(self) -> list[Done]:
        """Let the run begin with the project as it is now, once; returns what was done on it lately, oldest first."""

    def base(self) -> Marks:
        """What the run began with."""

    def state(self) -> Stored:
        """The run's files as its last finished step left them."""

    def read(self, paths: Sequence[str]) -> Mapping[str, bytes]:
        """The contents of files of that state. Whoever wants many asks for some at a time (``entries.batches``)."""

    def save_project(self, done: Done) -> None:
        """Make the run's files the project's, and remember what was done."""


class User(Protocol):
    """The person behind the run, and what they say while it goes on. ``heard``: how many messages were heard before."""

    def messages(self, heard: int, *, last: bool) -> list[str]:
        """What they have said since, in order. ``last``: nothing more can be said from now on."""

    def leave(self, heard: int) -> bool:
        """Let nothing more be said, or return False where something was that is not heard yet."""

    def allows(self, request: ApprovalRequest, emit: Emit) -> Approval:
        """Publish the call and the request, once each, and return the answer.

        May raise ``Cancelled``: then the answer takes long, and the step is run again when it is there.
        """
