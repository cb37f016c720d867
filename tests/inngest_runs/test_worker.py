"""The `worker` process takes Inngest's calls over an outbound connection; only a real server offers that."""

import subprocess
import sys
from pathlib import Path

import pytest

from lab.inngest import RealInngest
from lab.service import Service
from lab.sse import assert_whole, run_to_end
from tests.conftest import next_database
from tools.processes import bound_to_parent, stop
from tools.redis_server import RedisServer

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 25.0


@pytest.mark.inngest
def test_a_worker_runs_the_steps_of_a_service_that_does_not_serve_them(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    with RealInngest.from_environment(tmp_path / "inngest") as inngest:
        env = {"AGENT_ENGINE": "inngest", "INNGEST_SERVE": "false"} | inngest.environment()
        with Service(next_database(redis_server), tmp_path / "service", env=env) as service:
            log_path = tmp_path / "worker.log"
            with log_path.open("wb") as log:
                worker = subprocess.Popen(
                    bound_to_parent([sys.executable, "-m", "orchestrator.worker"]),
                    cwd=ROOT,
                    env=service.env,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            try:
                inngest.wait_for_function("runwire-code-agent-run")
                events = run_to_end(service, value="a tip calculator", model="offline")
                assert_whole(events)
                assert events[-1]["type"] == "complete"
                assert "step=finish" in log_path.read_text()
                assert "step=finish" not in service.log()
            finally:
                stop(worker, STOP_SECONDS)
            assert worker.returncode == 0, log_path.read_text()[-2000:]
