"""A service that is killed in the middle of a command takes the jail with it, whatever the command thinks of that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.escape import traces
from tools.processes import wait_until
from tools.web_server import ROOT

STUBBORN = """
import os, signal, time
for number in range(1, 64):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
print("ready", flush=True)
time.sleep(600)
"""
SERVICE = """
import shlex, sys
from pathlib import Path
from tests.escape.stage import opened
folder, run_id, command = sys.argv[1:]
with opened(Path(folder), run_id) as sandbox, sandbox.hold(lambda: None):
    sandbox.run(
        f"python3 -c {shlex.quote(command)}",
        timeout=600,
        on_output=lambda _, chunk: print(chunk, flush=True),
        check=lambda: None,
    )
"""


def test_nothing_outlives_a_service_that_is_killed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    run_id = f"run_{os.getpid()}_killed"
    service = subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(tmp_path / "sandboxes"), run_id, STUBBORN],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    with service:
        assert service.stdout and b"ready" in service.stdout.readline()
        assert len(traces.processes(run_id)) > 3
        service.kill()
    wait_until(lambda: not traces.processes(run_id), 5, "the jail's processes to end with the service")
