"""Viewers, connections and Redis."""

from __future__ import annotations

from typing import Final

from tools.mutations.mutant import Mutant

MUTANTS: Final = (
    Mutant(
        "read again after a reconnect",
        "orchestrator/hub/hub.py",
        "self._look_after(watched.viewers, Viewer.fall_behind)",
        "pass",
        ("tests/orchestrator/test_hub_reconnects.py",),
    ),
    Mutant(
        "compare with the log where it was read before its channel was heard",
        "orchestrator/hub/follower.py",
        "            self._hub.prove(run_id)",
        "            pass",
        ("tests/orchestrator/test_hub_reconnects.py",),
    ),
    Mutant(
        "give up a dead connection",
        "orchestrator/hub/connection.py",
        "self._socket.shutdown(socket.SHUT_RDWR)",
        "pass",
        ("tests/orchestrator/test_hub_reconnects.py",),
    ),
    Mutant(
        "see who has gone",
        "orchestrator/hub/parking.py",
        "ROOM | GONE | EDGES",
        "ROOM | EDGES",
        ("tests/orchestrator/test_parking.py",),
    ),
    Mutant(
        "go on when a socket has room",
        "orchestrator/hub/parking.py",
        "else parked.flush()",
        "else None",
        ("tests/orchestrator/test_parking.py",),
    ),
    Mutant(
        "learn what other processes have counted",
        "orchestrator/web/limits.py",
        "_Minute(total + self._gathering.requests[name], ",
        "_Minute(number + self._gathering.requests[name], ",
        ("tests/orchestrator/test_request_count.py",),
    ),
    Mutant(
        "let go of what belongs to a request",
        "orchestrator/web/gunicorn_worker.py",
        "            sock.stay()",
        "            pass",
        ("tests/orchestrator/test_worker_leaves_nothing.py",),
    ),
    Mutant(
        "take connections that have asked",
        "gunicorn.conf.py",
        "listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)",
        "pass",
        ("tests/http/test_slow_clients.py",),
    ),
    Mutant(
        "keep what came with a stream's request",
        "orchestrator/web/gunicorn_worker.py",
        "req.unreader.take_buffered()",
        'b""',
        ("tests/http/test_open_streams.py",),
    ),
    Mutant(
        "pages by bytes",
        "orchestrator/runlog/scripts/read.lua",
        "if size > room and #page > HEAD then return page end",
        "",
        ("tests/orchestrator/test_pages.py",),
    ),
    Mutant(
        "hang up on who does not read",
        "orchestrator/hub/hub.py",
        "            viewer.hang_up()",
        "            pass",
        ("tests/reliability/test_viewers_that_do_not_read.py",),
    ),
    Mutant(
        "leave a demoted primary",
        "orchestrator/runlog/address.py",
        "epoch.number += 1",
        "pass",
        ("tests/orchestrator/test_address.py",),
    ),
    Mutant(
        "who was held up reads what is overdue and no more",
        "orchestrator/runlog/wire.py",
        "self._calls[0].due <= now and ",
        "",
        ("tests/orchestrator/test_wire.py",),
    ),
)
