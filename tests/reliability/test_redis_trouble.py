"""Redis goes away in each of its ways while a run is watched: the viewer sees no gap and the run goes on."""

from collections.abc import Callable

import pytest
import redis

from lab.llm import says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import Event, assert_whole, events_of, follow, sse_events, sse_messages, start_run
from tests.reliability.scripts import DONE, writes
from tools.processes import wait_until
from tools.redis_server import RedisServer

PAUSE_SECONDS = 5  # of the promise


def cut_commands(server: RedisServer) -> None:
    _kill_clients(server, "normal")


def cut_subscriptions(server: RedisServer) -> None:
    _kill_clients(server, "pubsub")


def hang(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url, socket_timeout=PAUSE_SECONDS, retry=None) as client:
        client.ping()
        with server.paused(), pytest.raises(redis.TimeoutError):
            client.ping()  # waits for as long as the pause is to last


def crash(server: RedisServer) -> None:
    server.restart()


def refuse_writes(server: RedisServer) -> None:
    """As a primary does whose replica restarts."""
    with redis.Redis.from_url(server.url) as client:
        client.config_resetstat()
        client.config_set("min-replicas-to-write", 1)
        try:
            wait_until(lambda: "errorstat_NOREPLICAS" in client.info("errorstats"), 10, "a write to be refused")
        finally:
            client.config_set("min-replicas-to-write", 0)


@pytest.mark.parametrize("trouble", [cut_commands, cut_subscriptions, hang, crash, refuse_writes])
def test_a_viewer_sees_no_gap_and_the_run_goes_on(
    trouble: Callable[[RedisServer], None],
    breakable_redis: RedisServer,
    breakable_service: Service,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """What is said before, during and after reaches the viewer over one connection, once.

    With Hub._acknowledge not setting `behind` and Hub._keep_comparing off, the viewer of cut_subscriptions waited until
    its time-out. With PATIENCE_SECONDS = 0 the paused Redis (`hang`) made the model be asked again, as
    did a refused write (`refuse_writes`) where that was taken for a failure of the step.
    """
    gate = Gate()
    prompt = model_server.script(unique("trouble"), gate, writes("a.txt", "a"), DONE)
    run_id = start_run(breakable_service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    with follow(breakable_service, run_id) as response:
        events = sse_events(response)
        gate.say("before ")
        seen: list[Event] = []
        while not seen or seen[-1]["type"] != "text":
            seen.append(next(events))
        gate.say("during ")
        trouble(breakable_redis)
        gate.finish("after ")
        seen += events
    assert_whole(seen)
    assert seen[-1]["type"] == "complete"
    assert _text(seen).startswith("before during after ")
    assert model_server.calls(prompt) == 3


def test_events_that_nobody_was_told_about_are_found(
    breakable_redis: RedisServer, breakable_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """The subscription is cut and what is published before it is back is the last for long: the hub looks by itself."""
    gate = Gate()
    prompt = model_server.script(unique("quiet"), gate)
    run_id = start_run(breakable_service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    with follow(breakable_service, run_id) as response:
        events = sse_events(response)
        seen = [next(events)]
        for word in ("one ", "two ", "three "):
            cut_subscriptions(breakable_redis)
            gate.say(word)
            while not _text(seen).endswith(word):
                seen.append(next(events))
        breakable_service.http.post(f"/agent/run/{run_id}/cancel")
        seen += events
    assert_whole(seen)
    assert _text(seen) == "one two three "


def test_a_full_redis_ends_the_run_with_a_clear_error(
    breakable_redis: RedisServer, breakable_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Without `allow-oom` for end.lua the viewer waited until its time-out. Runs can be read and removed meanwhile; the
    service stays up and works again."""
    gate = Gate()
    prompt = model_server.script(unique("full"), gate)
    run_id = start_run(breakable_service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    with redis.Redis.from_url(breakable_redis.url) as client, follow(breakable_service, run_id) as response:
        events = sse_events(response)
        client.config_set("maxmemory", 1)
        try:
            gate.say("no room for this")
            seen = list(events)
            refused = breakable_service.http.post("/agent/run", json={"projectId": prompt, "value": prompt})
            assert events_of(breakable_service, run_id, after=0) == seen
            removed = breakable_service.http.delete(f"/agent/run/{run_id}")
        finally:
            client.config_set("maxmemory", 0)
    assert_whole(seen)
    assert (seen[-1]["type"], seen[-1]["code"]) == ("error", "failed")
    assert "memory" in seen[-1]["data"]
    assert refused.status_code == 503
    assert removed.is_success, "who would make room could not"
    assert gate.was_hung_up.wait(20)
    _assert_works(breakable_service, model_server, unique("after-full"))


def test_an_emptied_redis_ends_streams_as_lost_and_stops_the_steps(
    breakable_redis: RedisServer, breakable_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Without Hub._compare the silent run's viewer waited until its time-out."""
    gate = Gate()
    prompt = model_server.script(unique("emptied"), gate)
    run_id = start_run(breakable_service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    with redis.Redis.from_url(breakable_redis.url) as client, follow(breakable_service, run_id) as response:
        messages = sse_messages(response)  # the last one is in no log and has no id of its own
        first = next(messages)
        client.flushall()
        seen = [message.json() for message in (first, *messages)]
    assert (seen[-1]["type"], seen[-1]["code"]) == ("error", "lost")
    assert [event["type"] for event in seen].count("error") == 1
    assert gate.was_hung_up.wait(20), "the run's step goes on"
    assert breakable_service.http.get(f"/agent/run/{run_id}").status_code == 404
    _assert_works(breakable_service, model_server, unique("after-flush"))


def _assert_works(service: Service, model_server: ModelServer, prompt: str) -> None:
    model_server.script(prompt, says("Nothing to do."))
    wait_until(lambda: service.http.get("/readyz").status_code == 200, 15, "the service to be ready again")
    with follow(service, start_run(service, projectId=prompt, value=prompt)) as response:
        assert_whole(list(sse_events(response)))


def _text(events: list[Event]) -> str:
    return "".join(event["data"] for event in events if event["type"] == "text")


def _kill_clients(server: RedisServer, kind: str) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.client_kill_filter(_type=kind, skipme=True)
