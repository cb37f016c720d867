"""A plain shell on this machine. It separates nothing: a command can read and change what this process can.

Its environment is cleaned, which keeps secrets out of a careless command's output, not from a hostile one (it can
read ``/proc/<parent>/environ``). Only for machines on which nothing is worth stealing.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from agent.messages import CommandResult
from agent.sandbox.budgets import Budgets
from agent.sandbox.jail import plain_environment
from agent.sandbox.process import OnOutput, follow, kill_group


class UnsafeLocalSandbox:
    def __init__(self, root: Path, budgets: Budgets) -> None:
        self.root = root
        self._budgets = budgets

    def run(self, command: str, *, timeout: float, on_output: OnOutput, check: Callable[[], None]) -> CommandResult:
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=self.root,
            env={"PATH": os.defpath, **plain_environment(str(self.root))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            most = self._budgets.output
            return follow(process, timeout=timeout, max_output=most, on_output=on_output, check=check)
        finally:
            kill_group(process)
