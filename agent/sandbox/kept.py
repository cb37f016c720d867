"""Workspaces of runs that have ended, kept for the next run of their project, which then need not install anew.

Only where something was installed. The next run takes the folder as it is, its user with it; its files are put back to
the stored ones like after any other command, so what it finds beside them is what it would have installed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from typing import Final

from agent.sandbox import identity
from agent.sandbox.folder import RunFolder, own_folder

PREFIX: Final = "kept-"
INSTALLED: Final = ("node_modules", ".venv")
"""Folders at the top of a workspace that are worth it."""
SECONDS: Final = 6 * 3600.0
"""How long one is kept: somebody who works on a project asks again within hours."""


def folder_of(folder: RunFolder) -> RunFolder | None:
    """Where the workspace of this run's project is kept; None where nobody has said which project that is."""
    return RunFolder(folder.dir, name_of(folder.project)) if folder.project else None


def name_of(project: str) -> str:
    """The folder's name, in the place of a run's id."""
    return PREFIX + hashlib.sha256(project.encode()).hexdigest()[:40]


def adopt(folder: RunFolder) -> None:
    """Begin with what the project's last run on this machine left, if that is kept. Raises ``PermanentError``."""
    kept = folder_of(folder)
    if kept is None or folder.workspace.exists() or not kept.workspace.exists():
        return
    own_folder(folder.path)
    with suppress(OSError):  # another run has taken it
        kept.workspace.rename(folder.workspace)
        folder.know(None)
        kept.remove()


def keep(folder: RunFolder) -> bool:
    """Keep a workspace instead of removing it; False where that is not worth it, or one of the project is kept already.

    The lock must be held, and no process be left. Raises ``PermanentError``, ``OSError``.
    """
    kept = folder_of(folder)
    if kept is None or not any(_is_folder(folder, name) for name in INSTALLED):
        return False
    own_folder(kept.path)
    try:
        folder.workspace.rename(kept.workspace)
    except OSError:
        return False
    identity.claim(kept.workspace)
    kept.know(None)
    kept.take()
    return True


def _is_folder(folder: RunFolder, name: str) -> bool:
    with suppress(OSError):
        return stat.S_ISDIR(os.lstat(folder.workspace / name).st_mode)
    return False
