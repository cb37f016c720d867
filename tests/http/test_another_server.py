"""Only our own worker can give a connection away: under other servers a stream stays with its request."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_stream_is_whole_under_another_wsgi_server(redis_url: str, unique: Callable[[str], str]) -> None:
    program = [sys.executable, "-m", "tests.http.stream_under_pywsgi", redis_url, unique("run")]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert done.stdout.splitlines()[-1:] == ["whole"], done.stdout + done.stderr
