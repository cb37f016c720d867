"""A sandbox whose workspace lies on this machine: commands through a shell, files through the helper."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, Protocol

from agent.entries import Changes, Entry
from agent.inside.wire import GONE, pack
from agent.messages import CommandResult
from agent.pace import Pace
from agent.paths import checked
from agent.protocols import Background, Piece, Span, Unreadable
from agent.sandbox import answers, kept
from agent.sandbox.exchange import Start, exchange
from agent.sandbox.exclusive import exclusive
from agent.sandbox.folder import RunFolder
from agent.sandbox.process import OnOutput
from agent.sandbox.trouble import said_clearly
from agent.workspace import IGNORED, Room

HELPER_TIMEOUT: Final = 60.0
"""Seconds; a project's files take a fraction of one."""
LOOK_SECONDS: Final = 15
"""Seconds in which the helper looks for what is new; then it says what it has not looked at."""
OVERHEAD: Final = 4_000_000
"""Bytes of paths and lists in an answer, above the contents."""


class Shell(Protocol):
    """Runs commands in a workspace on this machine."""

    def run(self, command: str, *, timeout: float, on_output: OnOutput, check: Callable[[], None]) -> CommandResult: ...


class LocalSandbox:
    def __init__(
        self, folder: RunFolder, shell: Shell, helper: Start, background: Background, room: Room, *, is_alone: bool
    ) -> None:
        """``helper``: starts the helper, the workspace as its current folder, with no more power than a command's.

        ``room``: how much of the workspace is kept. ``is_alone``: nothing but background processes can change it
        between two commands.
        """
        self.id = folder.run_id
        self.background = background
        self._folder, self._shell, self._helper, self._room, self._is_alone = folder, shell, helper, room, is_alone

    @contextmanager
    def hold(self, check: Callable[[], None]) -> Iterator[None]:
        with ExitStack() as held:
            with said_clearly(self._folder.path):
                self._make()
                held.enter_context(exclusive(self._folder.lock, check))
                self._make()  # again: it may have been removed while we waited
                self._folder.take()
            yield

    def run(self, command: str, *, timeout: float, on_output: OnOutput, check: Callable[[], None]) -> CommandResult:
        with said_clearly(self._folder.path):
            self._folder.know(None)
            self._open_up()
            return self._shell.run(command, timeout=timeout, on_output=on_output, check=check)

    def read(self, spans: Sequence[Span], check: Callable[[], None]) -> list[Piece | Unreadable]:
        fields = [
            field
            for span in spans
            for field in (checked(span.path).encode(), b"%d" % span.first, b"%d" % span.lines, b"%d" % span.limit)
        ]
        answer = self._ask(b"read", fields, check, sum(span.limit for span in spans))
        return answers.pieces(answer, len(spans))

    def write(
        self, entries: Mapping[str, Entry | None], check: Callable[[], None], *, replace: bool = False
    ) -> dict[str, str]:
        fields = [b"replace" if replace else b"keep"]
        for path, entry in sorted(entries.items(), key=lambda item: item[1] is not None):  # deletions make room
            kind = GONE if entry is None else entry.kind
            fields += [kind.encode(), checked(path).encode(), b"" if entry is None else entry.content]
        self._folder.know(None)
        return answers.failures(self._ask(b"write", fields, check), entries)

    def changes(self, known: Mapping[str, bytes], check: Callable[[], None]) -> Changes:
        known = dict(known)
        is_busy = bool(self.background.running())  # before the look: one that ends now may have written behind it
        if not is_busy and self._is_alone and self._folder.is_known_to_hold(known):
            return Changes(looked=False)
        room = self._room
        limits = (room.file, room.total, room.files, room.depth, LOOK_SECONDS)
        fields = [*(b"%d" % limit for limit in limits), "/".join(sorted(IGNORED)).encode()]
        fields += [field for path, mark in known.items() for field in (path.encode(), mark)]
        found = answers.changes(self._ask(b"changes", fields, check, room.total), known, room.files)
        pace = Pace()
        for path, entry in found.entries.items():
            known.pop(path, None)
            if entry is not None:
                known[path] = entry.fingerprint
                pace(len(entry.content))
        self._folder.know(known, busy=is_busy)
        return found

    def is_worked_in(self, known: Mapping[str, bytes]) -> bool:
        return self._folder.is_known_to_hold(dict(known), busy=True)

    def _make(self) -> None:
        kept.adopt(self._folder)
        self._folder.make()

    def clear(self) -> None:
        """Remove all that commands left. Raises ``AgentError``."""
        answers.nothing(self._ask(b"clear", [], lambda: None))

    def _ask(self, verb: bytes, fields: Sequence[bytes], check: Callable[[], None], limit: int = 0) -> bytearray:
        with said_clearly(self._folder.path):
            self._open_up()
            return exchange(
                self._helper,
                pack([verb, *fields]),
                timeout=HELPER_TIMEOUT,
                limit=limit + OVERHEAD,
                check=check,
            )

    def _open_up(self) -> None:
        """A command may have closed the workspace itself, into which then nothing could be started."""
        path = self._folder.workspace
        if path.lstat().st_mode & stat.S_IRWXU != stat.S_IRWXU:
            os.chmod(path, stat.S_IRWXU)
