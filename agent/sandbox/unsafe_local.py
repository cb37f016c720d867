"""A plain shell on this machine. It separates nothing: a command can read and change what this process can.

Its environment is cleaned, which keeps secrets out of a careless command's output, not from a hostile one (it can
read ``/proc/<parent>/environ``). Only for machines on which nothing is worth stealing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from agent.messages import CommandResult
from agent.sandbox.bubblewrap import plain_environment
from agent.sandbox.process import OnOutput, run_process


class UnsafeLocalSandbox:
    def __init__(self, id: str, root: Path) -> None:
        self.id = id
        self.root = root

    def run(self, command: str, *, timeout: float, on_output: OnOutput, check: Callable[[], None]) -> CommandResult:
        env = {"PATH": os.defpath, **plain_environment(str(self.root))}
        argv = ["sh", "-c", command]
        return run_process(argv, cwd=self.root, env=env, timeout=timeout, on_output=on_output, check=check)
