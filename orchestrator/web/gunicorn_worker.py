"""gunicorn's gevent worker, made to leave at once: it would wait for clients that keep idle connections open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker


class DrainingWorker(GeventWorker):
    """``close_idle`` ends the connections that wait for a next request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle: dict[Any, gevent.Timeout] = {}

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:  # type: ignore[override]  # its stubs know no context managers
        """Around the wait for a request: gunicorn takes the end of this time as the end of the connection."""
        greenlet = gevent.getcurrent()
        silent: Any = False
        with gevent.Timeout(self.cfg.keepalive, silent) as timeout:
            self._idle[greenlet] = timeout
            try:
                yield
            finally:
                del self._idle[greenlet]

    def close_idle(self) -> None:
        for greenlet, timeout in list(self._idle.items()):
            greenlet.kill(timeout, block=False)
