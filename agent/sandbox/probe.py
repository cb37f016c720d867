"""Whether commands can be jailed here, found out by jailing one."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from agent.sandbox import identity, seccomp
from agent.sandbox.bubblewrap import BubblewrapSandbox
from agent.sandbox.budgets import Budgets

TIMEOUT: Final = 10.0
"""Seconds; a jail starts in well under a tenth of one."""
AGAIN: Final = 5.0
"""Seconds for which a failure is believed: memory or processes may have run short for a moment."""


class _Findings:
    """What is known in this process. That a jail was possible once stays true; each command finds out anew anyway."""

    works = False
    reason: str | None = None
    believed_until = 0.0


def why_no_jail() -> str | None:
    """``None`` if commands can be jailed, else the reason, fit for people."""
    if not _Findings.works and time.monotonic() >= _Findings.believed_until:
        _Findings.reason = probe()
        _Findings.works = _Findings.reason is None
        _Findings.believed_until = time.monotonic() + AGAIN
    return None if _Findings.works else _Findings.reason


def probe() -> str | None:
    """Run a trifle in a jail, as a run would."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (on Debian: apt-get install bubblewrap)"
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _try_in(Path(folder).resolve())
    except (identity.NoIdentity, seccomp.Unavailable) as error:
        return str(error)
    except OSError as error:
        return f"no jail can be made here ({error})"


def _try_in(folder: Path) -> str | None:
    output: list[str] = []
    try:
        seccomp.program()
        sandbox = BubblewrapSandbox(folder, Budgets())
        result = sandbox.run(
            "echo ready", timeout=TIMEOUT, on_output=lambda _, chunk: output.append(chunk), check=lambda: None
        )
    finally:
        identity.release(folder)
    text = "".join(output).strip()
    if text == "ready":
        return None
    return f"no jail can be made here ({text[:300] or result.killed or f'exit code {result.exit_code}'})"
