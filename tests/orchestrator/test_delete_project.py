"""A project is deleted with all that it has; a run that starts on it at that moment is lost to nobody."""

from collections.abc import Callable, Iterator

import pytest
import redis

from orchestrator import owned_projects
from orchestrator.runs import Prompt
from orchestrator.service import Service, build_service
from orchestrator.settings import load_settings


@pytest.fixture
def parts(redis_url: str) -> Iterator[Service]:
    parts = build_service(load_settings(redis_url=redis_url, inngest_dev="1", agent_engine="direct"))
    parts.dispatcher.start = lambda *_: None  # type: ignore[method-assign]  # no engine takes them: they stay
    yield parts
    parts.redis.close()


def start(parts: Service, run_id: str, project: str = "p") -> None:
    parts.runs.start(run_id, Prompt(project_id=project, value="v"), "ann")


def test_all_of_its_runs_go_also_those_that_a_page_of_it_does_not_show(
    parts: Service, redis_client: redis.Redis, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owned_projects, "MOST_RUNS", 2)
    runs = [unique("run") for _ in range(5)]
    for run_id in runs:
        start(parts, run_id)
        parts.log.fail(run_id, "over", "failed")
    assert len(parts.owned_projects.runs("p", "ann")) == 2
    assert parts.owned_projects.delete("p", "ann") == []
    assert parts.log.stored(runs) == set() and not parts.owned_projects.is_of("p", "ann")
    left = {key for key in redis_client.scan_iter() if key.startswith("agent:project:p:")}
    assert left == {"agent:project:p:owner"} and not redis_client.exists("agent:caller:ann:listed")


def test_a_run_that_starts_while_its_project_is_deleted_is_found_with_what_it_saves(
    parts: Service, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was taken from all lists, and what it saved could neither be seen nor deleted."""
    before, late = unique("run"), unique("run")
    start(parts, before)
    parts.log.fail(before, "over", "failed")
    monkeypatch.setattr(parts.owned_projects, "_forget", lambda *_: start(parts, late))
    assert parts.owned_projects.delete("p", "ann") == []
    assert parts.log.stored([before, late]) == {late}
    assert parts.owned_projects.is_of("p", "ann")
    assert [run.run_id for run in parts.owned_projects.runs("p", "ann")] == [late]
    assert [name for name, _ in parts.owned_projects.page("ann", 9, None).projects] == ["p"]
    assert parts.runs.latest("p") == late
    assert parts.owned_projects.delete("p", "ann") == [late]
