"""Viewers that do not read, and viewers that are gone."""

import socket
from collections.abc import Callable
from contextlib import ExitStack

import redis

from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, follow, sse_events, start_run
from tools.processes import wait_until

PIECE = "\N{WAVING HAND SIGN}" * 16_384  # 64 KB
PIECES = 100  # more than all buffers between the service and a client hold
GONE_SECONDS = 15.0  # milliseconds on a quiet machine


def test_a_viewer_that_does_not_read_gets_everything_later(
    rough_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Two things send it back to the log: its queue was dropped, or the next batch does not follow.

    With both off (Viewer.push without fall_behind, Stream._take_live without its look at `batch.first`) events were
    missing; with one of them off the other one still finds everything.
    """
    gate = Gate()
    run_id = start_run(rough_service, value=model_server.script(unique("slow"), gate))
    gate.wait_until_asked()
    with ExitStack() as stack:
        asleep = [sse_events(stack.enter_context(follow(rough_service, run_id))) for _ in range(3)]
        firsts = [next(events) for events in asleep]
        for _ in range(PIECES):
            gate.say(PIECE)
        gate.finish()
        whole = events_of(rough_service, run_id)  # until the end; the others have not read meanwhile
        assert_whole(whole)
        assert sum(len(event["data"]) for event in whole if event["type"] == "text") >= PIECES * len(PIECE)
        for first, events in zip(firsts, asleep, strict=True):
            assert [first, *events] == whole


def test_a_viewer_that_is_gone_frees_its_subscription(
    rough_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """The run is silent: the poller finds out, or a heartbeat. Without both the subscriptions stayed."""
    gate = Gate()
    run_id = start_run(rough_service, value=model_server.script(unique("gone"), gate))
    gate.wait_until_asked()
    with redis.Redis.from_url(rough_service.env["REDIS_URL"]) as client:
        channel = f"agent:{run_id}"

        def subscriptions() -> int:
            return int(client.pubsub_numsub(channel)[0][1])

        clients = [_connect(rough_service.port, run_id) for _ in range(20)]
        assert 1 <= subscriptions() <= 2  # one for each worker, however many watch
        for each in clients:
            each.close()
        wait_until(lambda: subscriptions() == 0, GONE_SECONDS, "the gone viewers to be noticed")
    rough_service.http.post(f"/agent/run/{run_id}/cancel")


def _connect(port: int, run_id: str) -> socket.socket:
    """A viewer that has got the first event and stops reading."""
    client = socket.create_connection(("127.0.0.1", port), timeout=20)
    client.sendall(f"GET /agent/run/{run_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    received = b""
    while b"data: " not in received:
        chunk = client.recv(4096)
        assert chunk, received
        received += chunk
    return client
