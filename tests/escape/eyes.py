"""The host's side of the workspace: the same reading, writing and looking that the agent's steps do."""

from __future__ import annotations

from pathlib import Path

from agent.entries import Changes, Entry
from agent.errors import AgentError
from agent.protocols import Piece, Sandbox, Span

MAX_READ = 1_000_000


def read(sandbox: Sandbox, path: str) -> bytes | None:
    """The file's bytes; None where it may not or cannot be read."""
    (piece,) = sandbox.read([Span(path, MAX_READ)], nobody_asks)
    return piece.content if isinstance(piece, Piece) else None


def write(sandbox: Sandbox, path: str, content: bytes) -> None:
    """Write a file, by either of the two ways, if that is possible at all."""
    for replace in (False, True):
        try:
            sandbox.write({path: Entry(content)}, nobody_asks, replace=replace)
        except AgentError:
            return


def look(sandbox: Sandbox) -> Changes:
    """All that is there: a state that it never has is known, so that no look is saved."""
    return sandbox.changes({"never/there": b""}, nobody_asks)


def workspace_folder(folder: Path, run_id: str) -> Path:
    """Where the workspace lies on the host."""
    return folder / run_id / "workspace"


def nobody_asks() -> None:
    pass
