"""`/metrics`: right over several processes, without names of callers or projects, and named as the dashboard has it."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from lab.service import Service
from lab.sse import EVENT_STREAM, sse_events
from orchestrator.metrics import UNFINISHED
from tests.conftest import next_database
from tests.http.callers import KEYS, PROMPT, WEB, bearer
from tools.processes import wait_until
from tools.redis_server import RedisServer

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NAME = re.compile(r"runwire_[a-z_]+")
SECONDS = 10.0
RUNS = 4


@pytest.fixture(scope="module")
def shared(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "AGENT_API_KEYS": KEYS, "AGENT_OFFLINE_DELAY": "0"}
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), workers=2, env=env) as running:
        for number in range(RUNS):
            body = PROMPT | {"projectId": f"a-project-{number}"}
            with running.http.stream("POST", "/agent/run", json=body, headers=bearer(WEB) | EVENT_STREAM) as answer:
                assert answer.status_code == 200, answer.read()
                assert list(sse_events(answer))[-1]["type"] == "complete"
        yield running


def samples(service: Service) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = service.http.get("/metrics", headers=bearer(WEB))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(service: Service, name: str, **labels: str) -> float:
    wanted = set(labels.items())
    return sum(number for (other, its), number in samples(service).items() if other == name and wanted <= its)


def test_what_any_worker_has_counted_is_in_every_workers_answer(shared: Service) -> None:
    """Without a file for each process an answer is one worker's own."""
    for _ in range(6):  # whichever of the two answers
        assert value(shared, "runwire_runs_ended_total", end="complete", engine="direct") == RUNS
        assert value(shared, "runwire_runs_started_total", engine="direct") == RUNS
        assert value(shared, "runwire_step_seconds_count", kind="finish", end="done") == RUNS
        assert value(shared, "runwire_first_event_seconds_count", method="POST") == RUNS
    assert value(shared, "runwire_events_appended_total") > RUNS * 10
    wait_until(lambda: value(shared, "runwire_events_delivered_total") > RUNS * 5, SECONDS, "deliveries to be counted")
    wait_until(lambda: value(shared, "runwire_viewers") == 0, SECONDS, "the viewers to have left")


def test_a_killed_worker_takes_its_viewers_away_and_leaves_its_counts(
    shared: Service, unique: Callable[[str], str]
) -> None:
    body = PROMPT | {"projectId": unique("p")}
    before = value(shared, "runwire_runs_ended_total", end="complete")
    shared.kill_workers()
    assert value(shared, "runwire_runs_ended_total", end="complete") == before
    with shared.http.stream("POST", "/agent/run", json=body, headers=bearer(WEB) | EVENT_STREAM) as answer:
        assert list(sse_events(answer))[-1]["type"] == "complete"
    assert value(shared, "runwire_runs_ended_total", end="complete") == before + 1


def test_no_label_names_a_caller_a_project_or_a_run(shared: Service) -> None:
    said = shared.http.get("/metrics", headers=bearer(WEB)).text
    assert "a-project-" not in said and "run_" not in said and "caller" not in said
    assert '"web"' not in said
    shared.http.get("/agent/run/run_of_nobody", headers=bearer(WEB))
    shared.http.get("/some/where/else")
    routes = {dict(labels).get("route") for _, labels in samples(shared)}
    assert {"/agent/run/<run_id>", "none"} <= routes


def test_metrics_need_a_key_and_not_a_token(shared: Service) -> None:
    assert shared.http.get("/metrics").status_code == 401
    grant = {"projectId": "a-project-0", "can": ["read"]}
    token = shared.http.post("/agent/tokens", json=grant, headers=bearer(WEB)).json()["token"]
    assert shared.http.get("/metrics", headers=bearer(token)).status_code == 403


@pytest.mark.parametrize("name", ["grafana-dashboard.json", "alerts.yml"])
def test_the_dashboard_and_the_alerts_name_metrics_that_exist(shared: Service, name: str) -> None:
    text = (DEPLOY / name).read_text()
    families = {family.name for family in REGISTRY.collect() if family.name.startswith("runwire_")} | {UNFINISHED}
    known = {family + ending for family in families for ending in ("", "_total", "_count", "_sum", "_bucket")}
    assert {sample for sample, _ in samples(shared)} <= known
    assert set(NAME.findall(text)) <= known
    if name.endswith(".json"):
        shown = json.dumps(json.loads(text))
        assert not [family for family in families if family not in shown]
