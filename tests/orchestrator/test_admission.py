"""Runs of one project that are asked for at the same moment: each has looked before the other was there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from redis.connection import Connection

from orchestrator.admission import Admission, Seen, TooManyRuns
from orchestrator.engines.turns import OnConflict
from orchestrator.hub.hub import HubUnavailable
from orchestrator.owners import UnknownProject
from orchestrator.runs import Prompt
from orchestrator.service import Service, build_service
from orchestrator.settings import load_settings
from tools.processes import wait_until

MOST_OF_PROJECT = 2


@pytest.fixture
def parts(redis_url: str) -> Iterator[Service]:
    settings = load_settings(
        redis_url=redis_url, inngest_dev="1", agent_engine="direct", agent_max_project_runs=str(MOST_OF_PROJECT)
    )
    parts = build_service(settings)
    parts.dispatcher.start = lambda *_: None  # type: ignore[method-assign]  # no engine takes them: they stay
    yield parts
    parts.redis.close()


@pytest.fixture
def start(parts: Service, unique: Callable[[str], str]) -> Callable[..., str]:
    """Start a run of one and the same project."""
    project = unique("project")

    def start(caller: str = "ann", on_conflict: OnConflict = "queue") -> str:
        run_id = unique("run")
        parts.runs.start(run_id, Prompt(project_id=project, value="v", on_conflict=on_conflict), caller)
        return run_id

    return start


@pytest.fixture
def looked_before(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on all have looked when the project was nobody's and its line was free."""
    return lambda: monkeypatch.setattr(Admission, "look", lambda *_: Seen(is_owned=False, is_free=True))


def test_a_run_takes_three_round_trips_to_start(
    parts: Service, start: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start("ann")  # connects, and loads the script
    trips: list[None] = []
    send: Any = Connection.send_packed_command

    def count(*args: Any, **kwargs: Any) -> None:
        trips.append(None)
        send(*args, **kwargs)

    monkeypatch.setattr(Connection, "send_packed_command", count)
    parts.runs.start("run_alone", Prompt(project_id="alone", value="v"), "ann")
    assert len(trips) == 3


def test_a_run_that_nobody_could_watch_leaves_no_trace(parts: Service, redis_client: redis.Redis) -> None:
    def not_ready() -> None:
        raise HubUnavailable("Redis does not answer")

    with pytest.raises(HubUnavailable):
        parts.runs.start("run_unseen", Prompt(project_id="unseen", value="v"), "ann", not_ready)
    assert not _all_of(redis_client)


def test_who_comes_to_a_line_that_is_not_free_any_more_waits_in_it(
    parts: Service, start: Callable[..., str], looked_before: Callable[[], None]
) -> None:
    first = start()
    looked_before()
    second = start()
    assert [parts.log.record(each).fields["engine"] for each in (first, second)] == ["direct", "held"]
    assert second in parts.log.queue.all("held") and second not in parts.log.queue.all("direct")


def test_who_comes_to_a_line_that_is_full_by_now_is_refused_and_nothing_is_left_of_it(
    parts: Service, start: Callable[..., str], looked_before: Callable[[], None], redis_client: redis.Redis
) -> None:
    for _ in range(MOST_OF_PROJECT):
        start()
    before = _all_of(redis_client)
    looked_before()
    with pytest.raises(TooManyRuns):
        start()
    assert _all_of(redis_client) == before


def test_of_two_callers_who_come_to_a_new_project_one_gets_it_and_the_other_leaves_no_trace_there(
    parts: Service, start: Callable[..., str], looked_before: Callable[[], None], redis_client: redis.Redis
) -> None:
    start("ann")
    before = _all_of(redis_client)
    looked_before()
    with pytest.raises(UnknownProject):
        start("bob")
    after = _all_of(redis_client)
    assert after.keys() - before.keys() == {"agent:caller:bob:projects"}, "found to be none of theirs when it is read"
    assert {name: after[name] for name in before} == before


def test_a_run_whose_process_died_before_it_was_stored_holds_up_the_next_one_for_seconds_only(
    parts: Service, start: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(parts.log, "create", dies)
        with pytest.raises(SystemExit):
            start()
    assert len(parts.log.queue.all("direct")) == 1
    run_id = start()
    assert parts.log.record(run_id).fields["engine"] == "held"

    def is_next() -> bool:
        parts.watch.look()
        return parts.log.record(run_id).fields["engine"] == "direct"

    wait_until(is_next, 20, "the next run's turn")
    assert parts.log.queue.all("direct") == [run_id]


def test_who_has_looked_before_a_project_was_anothers_cancels_nothing_there(
    parts: Service, start: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start("ann")
    monkeypatch.setattr(Admission, "look", lambda *_: Seen(is_owned=False, is_free=False))
    with pytest.raises(UnknownProject):
        start("bob", on_conflict="cancel")
    assert not parts.log.record(run_id).ended


def _all_of(client: redis.Redis) -> dict[str, object]:
    """What is stored, times aside."""
    read: dict[str, Callable[[str], object]] = {
        "string": client.get,
        "zset": lambda name: set(client.zrange(name, 0, -1)),
        "hash": client.hgetall,
        "stream": client.xrange,
    }
    return {name: read[str(client.type(name))](name) for name in client.scan_iter()}
