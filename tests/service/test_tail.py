"""`python -m orchestrator.tail`: what a developer sees of a run, straight from Redis."""

import json
import subprocess
import sys
from pathlib import Path

from lab.service import Service
from lab.sse import assert_whole, run_to_end

ROOT = Path(__file__).parents[2]
TAIL = (sys.executable, "-m", "orchestrator.tail")


def tail(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TAIL, *arguments], cwd=ROOT, env=service.env, capture_output=True, text=True, timeout=60)


def test_it_prints_every_event_of_a_run_and_ends_with_it(service: Service) -> None:
    events = run_to_end(service, value="a tip calculator", model="offline")
    seen = tail(service, events[0]["runId"], "--json")
    assert seen.returncode == 0, seen.stderr
    printed = [json.loads(line) for line in seen.stdout.strip().split("\n")]
    assert_whole(printed)
    assert printed == events


def test_it_shows_a_run_to_people(service: Service) -> None:
    run_id = run_to_end(service, value="a tip calculator", model="offline")[0]["runId"]
    seen = tail(service, run_id)
    assert seen.returncode == 0, seen.stderr
    assert f"── {run_id}" in seen.stdout
    assert "$ python3 test_page.py" in seen.stdout


def test_an_unknown_run_is_a_clear_error(service: Service) -> None:
    seen = tail(service, "run_nobody_knows")
    assert seen.returncode == 1
    assert seen.stderr == "unknown or expired run 'run_nobody_knows'\n"


def test_only_redis_has_to_be_known(service: Service) -> None:
    """Whoever watches beside `make run` has none of what a service needs."""
    run_id = run_to_end(service, value="a tip calculator", model="offline")[0]["runId"]
    known = ("PATH", "HOME", "REDIS_URL")
    bare = {name: value for name, value in service.env.items() if name in known}
    seen = subprocess.run([*TAIL, run_id], cwd=ROOT, env=bare, capture_output=True, text=True, timeout=60)
    assert (seen.returncode, seen.stderr) == (0, "")


def test_a_reader_that_goes_ends_it_without_a_word(service: Service) -> None:
    run_to_end(service, value="a tip calculator", model="offline")
    command = [*TAIL, "--json", "--since", "1h"]
    with subprocess.Popen(
        command, cwd=ROOT, env=service.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == (b"", 0)
