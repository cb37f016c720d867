"""Which sandbox a run gets, and the folder it works in."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from agent.errors import PermanentError
from agent.protocols import Sandbox
from agent.sandbox import bubblewrap
from agent.sandbox.bubblewrap import BubblewrapSandbox
from agent.sandbox.refused import RefusedSandbox
from agent.sandbox.unsafe_local import UnsafeLocalSandbox

KINDS: Final = ("auto", "bubblewrap", "unsafe-local", "none")
RUN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def open_sandbox(kind: str, root_dir: Path, run_id: str) -> Sandbox:
    """The sandbox of a run; its workspace ``<root_dir>/<run_id>`` is created where it is missing.

    ``auto`` is the bubblewrap jail where a probe really runs in it, else a sandbox that refuses commands. Raises
    ``PermanentError`` for an unknown kind, an id that is no folder name, or ``bubblewrap`` where it does not work.
    """
    if kind not in KINDS:
        raise PermanentError(f"expected a sandbox kind of {', '.join(KINDS)}, got {kind!r}")
    root = _workspace(root_dir, run_id)
    if kind == "unsafe-local":
        sandbox: Sandbox = UnsafeLocalSandbox(run_id, root)
    elif kind == "none":
        sandbox = RefusedSandbox(run_id, root, "commands are switched off (AGENT_SANDBOX=none)")
    elif (failure := _probe()) is None:
        sandbox = BubblewrapSandbox(run_id, root)
    elif kind == "bubblewrap":
        raise PermanentError(f"AGENT_SANDBOX=bubblewrap, but no jail is possible here: {failure}")
    else:
        sandbox = RefusedSandbox(run_id, root, failure)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return sandbox


def remove_workspace(root_dir: Path, run_id: str) -> None:
    """Delete a run's workspace; one that is gone already is fine."""
    root = _workspace(root_dir, run_id)
    if root.is_dir() and not root.is_symlink():
        try:
            shutil.rmtree(root)
        except (OSError, RecursionError):
            # Commands can nest folders deeper than Python recurses, and take away their permissions.
            subprocess.run(["chmod", "-R", "u+rwx", "--", root], check=False, stderr=subprocess.DEVNULL)
            subprocess.run(["rm", "-rf", "--", root], check=True)
    root.with_name(f"{root.name}.lock").unlink(missing_ok=True)


def _workspace(root_dir: Path, run_id: str) -> Path:
    if not RUN_ID.fullmatch(run_id):
        raise PermanentError(f"expected a run id of letters, digits, - and _, got {run_id!r}")
    return root_dir.absolute() / run_id


@cache
def _probe() -> str | None:
    """Why no jail is possible in this process's surroundings; ``None`` if one is."""
    return bubblewrap.probe()
