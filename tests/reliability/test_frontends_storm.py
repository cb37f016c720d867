"""The short form of `python -m bench.chaos.frontends`: real clients of other protocols in a storm."""

import subprocess
import sys

import pytest

from tools.web_server import ROOT

LONGEST_SECONDS = 240  # many times what it takes: a guard against hanging
CLIENTS = 4


@pytest.mark.browser
@pytest.mark.slow
def test_what_the_clients_of_other_protocols_show_after_a_storm_is_the_fold_of_the_log() -> None:
    command = [sys.executable, "-m", "bench.chaos.frontends", "--runs", "2", "--seconds", "4", "--pause", "1.5"]
    storm = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_SECONDS)
    assert storm.returncode == 0, storm.stdout + storm.stderr
    assert storm.stdout.count("2 runs, 0 differences") == CLIENTS, storm.stdout
