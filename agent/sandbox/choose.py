"""Which sandbox a run gets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent.errors import PermanentError
from agent.sandbox.background import JailedBackground
from agent.sandbox.bubblewrap import BubblewrapSandbox
from agent.sandbox.budgets import Budgets
from agent.sandbox.exchange import Start, plain_process
from agent.sandbox.folder import RunFolder
from agent.sandbox.helper import helper_argv
from agent.sandbox.local import LocalSandbox
from agent.sandbox.network import CACHE, Network
from agent.sandbox.probe import why_no_jail
from agent.sandbox.refused import NoBackground, RefusedSandbox
from agent.sandbox.unsafe_local import UnsafeLocalSandbox
from agent.workspace import Room

KINDS: Final = ("auto", "bubblewrap", "unsafe-local", "none")


def open_sandbox(
    kind: str,
    dir: Path,
    run_id: str,
    budgets: Budgets | None = None,
    room: Room | None = None,
    network: Network | None = None,
    project: str = "",
) -> LocalSandbox:
    """The sandbox of a run, which works in ``<dir>/<run_id>``; nothing is made before it is held.

    ``project``: whose packages it may begin with, see ``kept``.

    ``auto`` is the bubblewrap jail where a probe really runs in it, else a sandbox that refuses commands. Raises
    ``PermanentError`` for an unknown kind, an id that is no folder name, or ``bubblewrap`` where it does not work.
    """
    if kind not in KINDS:
        raise PermanentError(f"expected a sandbox kind of {', '.join(KINDS)}, got {kind!r}")
    folder = RunFolder(dir, run_id, project)
    root = folder.workspace
    budgets, room = budgets or Budgets(), room or Room()
    if kind == "unsafe-local":
        unkept = NoBackground("without a jail (AGENT_SANDBOX=unsafe-local) nothing would end it for sure")
        plain = UnsafeLocalSandbox(root, budgets)
        return LocalSandbox(folder, plain, _plain_helper(root), unkept, room, is_alone=False)
    if kind == "none":
        return _refusing(folder, room, "commands are switched off (AGENT_SANDBOX=none)")
    if (failure := why_no_jail()) is None:
        jail = BubblewrapSandbox(root, budgets, network, folder.background, folder.dir / CACHE)
        return LocalSandbox(folder, jail, _jailed_helper(jail), JailedBackground(folder, jail), room, is_alone=True)
    if kind == "bubblewrap":
        raise PermanentError(f"AGENT_SANDBOX=bubblewrap, but no jail is possible here: {failure}")
    return _refusing(folder, room, failure)


def _refusing(folder: RunFolder, room: Room, reason: str) -> LocalSandbox:
    helper = _plain_helper(folder.workspace)
    return LocalSandbox(folder, RefusedSandbox(reason), helper, NoBackground(reason), room, is_alone=True)


def _jailed_helper(jail: BubblewrapSandbox) -> Start:
    @contextmanager
    def start() -> Iterator[subprocess.Popen[bytes]]:
        with jail.start(helper_argv(), stdin=subprocess.PIPE) as jailed:
            yield jailed.process

    return start


def _plain_helper(root: Path) -> Start:
    return lambda: plain_process(helper_argv(sys.executable), cwd=root, env={"PATH": os.defpath})
