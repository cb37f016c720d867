"""The server's fold and those of both clients come to the same, on recorded cases and on random logs."""

import json
from pathlib import Path
from typing import Any

import pytest
import runwire_client

from lab.run_logs import random_log
from orchestrator.formats import Event, History, fold
from tools.clients import build, run_node

CASES = sorted((Path(__file__).parents[1] / "folds").glob("*.json"))


def on_the_server(events: list[Event]) -> dict[str, Any]:
    history = History()
    for event in events:
        history.add(event)
    return fold(history)


def in_javascript(paths: list[Path]) -> list[dict[str, Any]]:
    build()
    states: list[dict[str, Any]] = json.loads(run_node(["js/fold-cases.mjs", *map(str, paths)]))
    return states


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_recorded_case_folds_to_its_state(path: Path) -> None:
    case = json.loads(path.read_text())
    assert on_the_server(case["events"]) == case["state"]
    assert runwire_client.fold(case["events"]) == case["state"]


@pytest.mark.program
def test_the_javascript_client_folds_the_recorded_cases_to_their_states() -> None:
    assert in_javascript(CASES) == [json.loads(path.read_text())["state"] for path in CASES]


@pytest.mark.program
def test_all_three_agree_on_any_log(tmp_path: Path) -> None:
    logs = [random_log(seed) for seed in range(1000, 1100)]
    paths = [tmp_path / f"{number:03}.json" for number in range(len(logs))]
    for path, log in zip(paths, logs, strict=True):
        path.write_text(json.dumps({"events": log}))
    states = [on_the_server(log) for log in logs]
    assert [runwire_client.fold(log) for log in logs] == states
    assert in_javascript(paths) == json.loads(json.dumps(states))
