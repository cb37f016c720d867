"""Programs are started without copying the process that starts them, and all else is as with gevent's own way."""

import json
import subprocess
import sys

import pytest


@pytest.mark.program
def test_children_are_started_without_a_copy_of_the_process_and_are_as_ever() -> None:
    program = [sys.executable, "-m", "tests.orchestrator.children_under_gevent"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "output": ["out\n/usr\n", "err\n", 3],
        "input": "given",
        "missing": "FileNotFoundError no-such-program",
        "missing folder": "FileNotFoundError /no/such/folder",
        "ended at once": [1] * 20,
        "killed": -9,
        "handed on": [True, False],
        "ticks meanwhile": True,
        "without descriptors": ["OSError None"],
        "left open": 0,
        "copies": 0,
    }
