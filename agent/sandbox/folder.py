"""Where workspaces lie on this machine: a folder of our own, in it one for each run.

``<dir>/<run id>/`` (0700, the service's) holds ``workspace`` (what commands see), ``lock`` (held during a step),
``owner`` (the process that worked here last), ``state`` (what the workspace is known to hold) and ``background`` (what
is known of background processes, see records.py).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from agent import messages
from agent.entries import digest
from agent.errors import PermanentError
from agent.sandbox.trouble import trouble

RUN_ID: Final = re.compile(messages.RUN_ID)


def default_dir() -> Path:
    """Below the user's own cache folder, where nobody else can make it first, and which a reboot does not fill memory
    with (``XDG_RUNTIME_DIR`` is memory). A user without a home gets a name of its own beside the temporary files."""
    cache_dir = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    home = os.path.dirname(cache_dir)
    if os.path.isabs(cache_dir) and os.access(cache_dir if os.path.isdir(cache_dir) else home, os.W_OK):
        return Path(cache_dir) / "runwire" / "sandboxes"
    return Path(tempfile.gettempdir()) / f"runwire-{os.getuid()}"


class RunFolder:
    def __init__(self, dir: Path, run_id: str, project: str = "") -> None:
        """``project``: a name of the run's project that no other one has, where it is known.

        Touches nothing yet. Raises ``PermanentError`` where ``run_id`` is no folder name.
        """
        if not RUN_ID.fullmatch(run_id):
            raise PermanentError(f"expected a run id of letters, digits, - and _, got {run_id!r}")
        self.run_id = run_id
        self.dir = dir.absolute()
        self.path = self.dir / run_id
        self.workspace = self.path / "workspace"
        self.lock = self.path / "lock"
        self.background = self.path / "background"
        self._owner = self.path / "owner"
        self._state = self.path / "state"
        self._project = project
        self._project_note = self.path / "project"

    def make(self) -> None:
        """Raises ``PermanentError`` with the path where a folder cannot be made, or is not ours alone, and
        ``TransientError`` where it cannot be made for now.
        """
        own_folder(self.dir)
        own_folder(self.path)
        try:
            if self._project and not self._project_note.exists():
                _replace(self._project_note, self._project)
            self.workspace.mkdir(mode=0o700)
            self.know({})
        except FileExistsError:
            pass
        except OSError as error:
            raise trouble(error, *_unusable(self.workspace)) from error

    @property
    def project(self) -> str:
        """The project's name, also where only an earlier process knew it; empty where none did."""
        if not self._project:
            with suppress(OSError):
                self._project = self._project_note.read_text()
        return self._project

    def take(self) -> None:
        """Note that this process works here. The lock must be held."""
        _replace(self._owner, json.dumps(_myself()))

    def is_owner_alive(self) -> bool:
        try:
            owner = json.loads(self._owner.read_text())
            return bool(owner["boot"] == boot_id() and owner["started"] == started(owner["pid"]))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def last_used(self) -> float:
        """Seconds since the epoch."""
        for path in (self._owner, self.path):
            with suppress(OSError):
                return path.stat().st_mtime
        return 0.0

    def know(self, marks: dict[str, bytes] | None, *, busy: bool = False) -> None:
        """Note what the workspace holds (``None``: from now on nobody knows). Only good until the next boot.

        ``busy``: processes went on working in it when it was looked at.
        """
        if marks is None:
            self._state.unlink(missing_ok=True)
        else:
            _replace(self._state, _state(marks, busy))

    def is_known_to_hold(self, marks: dict[str, bytes], *, busy: bool = False) -> bool:
        """``busy``: whether it held that when it was looked at last, and processes have gone on working in it."""
        try:
            return self._state.read_text() == _state(marks, busy)
        except OSError:
            return False

    def remove(self) -> None:
        """Remove all but what commands left: the workspace must be empty. The lock must be held."""
        with suppress(FileNotFoundError):
            self.workspace.rmdir()
        with suppress(FileNotFoundError):
            shutil.rmtree(self.background)
        with suppress(FileNotFoundError):
            for path in self.path.iterdir():
                path.unlink(missing_ok=True)
            self.path.rmdir()


def own_folder(path: Path) -> None:
    """Make ``path``, or see that it is a folder of this user that nobody else can enter.

    Raises ``PermanentError`` with the path, or ``TransientError`` (see ``trouble``).
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        found = path.lstat()
    except OSError as error:
        raise trouble(error, *_unusable(path)) from error
    if not stat.S_ISDIR(found.st_mode):
        raise _not_ours(path, "it is not a folder")
    if found.st_uid != os.geteuid():
        raise _not_ours(path, f"expected the owner {os.geteuid()}, got {found.st_uid}")
    if (mode := stat.S_IMODE(found.st_mode)) & 0o077:
        raise _not_ours(path, f"others may use it: expected the mode 0700, got 0{mode:o}")


def started(pid: int) -> str:
    """When a process started, in ticks since the boot: tells it from a later one with the same id."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


@cache
def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _myself() -> dict[str, str | int]:
    return {"pid": os.getpid(), "started": started(os.getpid()), "boot": boot_id()}


def _state(marks: dict[str, bytes], busy: bool) -> str:
    return f"{boot_id()} {digest(marks)} {'busy' if busy else 'quiet'}"


def _replace(path: Path, text: str) -> None:
    """All or nothing: whoever is killed here leaves the old text."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(text)
    draft.rename(path)


def _not_ours(path: Path, reason: str) -> PermanentError:
    what, hint = _unusable(path)
    return PermanentError(f"{what}: {reason}{hint}")


def _unusable(path: Path) -> tuple[str, str]:
    return f"The sandbox folder {path} cannot be used", " (AGENT_SANDBOX_DIR)"
