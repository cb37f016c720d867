"""The host's side of the workspace: the same reading, writing and looking that the agent's steps do."""

from __future__ import annotations

from pathlib import Path

from agent import confined, workspace
from agent.protocols import Sandbox

MAX_READ = 1_000_000


def read(sandbox: Sandbox, path: str) -> bytes | None:
    """The file's bytes; None where it may not or cannot be read."""
    try:
        return confined.read(sandbox.root, path, MAX_READ)
    except OSError:
        return None


def write(sandbox: Sandbox, path: str, content: bytes) -> None:
    """Write a file if that is possible at all."""
    try:
        confined.replace(sandbox.root, path, content)
    except OSError:
        return


def look(sandbox: Sandbox) -> dict[str, bytes]:
    """All that is kept of the workspace."""
    return workspace.snapshot(sandbox.root)


def workspace_folder(folder: Path, run_id: str) -> Path:
    """Where the workspace lies on the host."""
    return folder / run_id
