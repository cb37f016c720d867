"""The short form of `make chaos`: everything breaks at once, and nothing is lost, doubled or stuck."""

import subprocess
import sys

import pytest

from tools.web_server import ROOT

LONGEST_SECONDS = 150
LEAST_FAULTS = 20


@pytest.mark.slow
def test_a_short_storm_loses_nothing() -> None:
    command = [sys.executable, "-m", "bench.chaos", "--quick"]
    storm = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_SECONDS)
    print(storm.stdout)
    assert storm.returncode == 0, storm.stdout + storm.stderr
    faults = [int(line.split()[-1]) for line in storm.stdout.splitlines() if line.startswith("faults injected")]
    assert len(faults) == 3
    assert sum(faults) >= LEAST_FAULTS
