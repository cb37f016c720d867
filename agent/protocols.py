"""The four protocols through which the agent reaches the outside, and the ``Emit`` that a step's body is given.

The only way to get an ``Emit`` is to be the body of a step. That is what makes the agent safe to replay: code outside
``step.run`` may run many times, and it has nothing in its hands with which it could publish or touch the world.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from agent.messages import CommandResult, Message, ModelReply, ToolSpec

T = TypeVar("T")

JSON = Any
"""A value that ``json.dumps`` takes: what steps return and events carry."""


class Emit(Protocol):
    """Publishes events of one attempt of one step."""

    def __call__(self, type: str, data: JSON) -> None:
        """Publish one event (see docs/events.md for the shapes of ``data``).

        Raises ``Cancelled`` when this attempt is no longer wanted, ``TransientError`` when it could not be stored.
        """

    def keep(self, changes: Mapping[str, bytes | None]) -> None:
        """Store changed files (``None``: deleted) together with this step's result, all or nothing."""

    def check(self) -> None:
        """Raise ``Cancelled`` when this attempt is no longer wanted. Cheap: bodies that wait call it twice a second."""


class Step(Protocol):
    """Runs named bodies once each."""

    def run(self, step_id: str, body: Callable[[Emit], T]) -> T:
        """Return what ``body`` returned, now or in an earlier execution of the same run; ``T`` is JSON."""


class ChatModel(Protocol):
    """A chat model that can stream text and ask for tools."""

    name: str
    introduction: str
    """What a viewer should know first: the run's first ``status``."""

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec], emit: Emit) -> ModelReply:
        """Answer ``messages``, emitting ``text`` as it streams.

        Raises ``TransientError`` (rate limit, server error, connection) or ``PermanentError`` (bad key, bad request).
        """


class Sandbox(Protocol):
    """Where commands run. ``root`` is the workspace as this process sees it."""

    id: str
    root: Path

    def run(
        self,
        command: str,
        *,
        timeout: float,
        on_output: Callable[[str, str], None],
        check: Callable[[], None],
    ) -> CommandResult:
        """Run a shell command in ``root``; ``on_output(source, chunk)`` gets its output as it comes.

        Whatever ``check`` or ``on_output`` raises kills the command's whole process group and propagates.
        """


class ProjectStore(Protocol):
    """The files of a run, and those of its project, which outlive it. Paths are relative to the workspace, POSIX."""

    def run_files(self) -> dict[str, bytes]:
        """The run's files as its last finished step left them."""

    def project_files(self) -> dict[str, bytes]:
        """What earlier runs on the same project left."""

    def save_project(self, files: Mapping[str, bytes]) -> None:
        """Make ``files`` the project's files."""
