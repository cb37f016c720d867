"""What a process asks Redis all the time, over one connection that all its greenlets share; see ``wire.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import gevent
import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import DataError, ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from orchestrator.runlog.wire import Wire

TRIES: Final = 2


class Commands:
    """Connects when it is first used, and again when that was lost. ``make`` gives unconnected ones of redis-py."""

    def __init__(self, make: Callable[[], Any], patience: float) -> None:
        self._make, self._patience = make, patience
        self._hub = gevent.get_hub()
        self._wire: Wire | None = None
        self._connecting: gevent.Greenlet[..., Wire | Exception] | None = None

    @property
    def is_near(self) -> bool:
        """Whether this thread may use it."""
        return gevent.get_hub() is self._hub

    def ask(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The replies; what Redis refuses is among them as an exception, not raised.

        As with redis-py's own connections here, what was on its way when the connection was lost is sent once more.
        Raises redis' ConnectionError and TimeoutError.
        """
        packed = b"".join([_pack(command) for command in commands])
        for tries_left in reversed(range(TRIES)):
            wire = self._wire
            if wire is None or not wire.is_open or wire.connection.is_outdated:
                wire = self._connected()
            try:
                replies = wire.ask(packed, len(commands))
                for reply in replies:
                    if isinstance(reply, ReadOnlyError):
                        raise wire.connection.demoted(reply)
                    if isinstance(reply, RedisConnectionError):
                        raise reply
                return replies
            except RedisConnectionError:
                if not tries_left:
                    raise
        raise AssertionError

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()

    def _connected(self) -> Wire:
        """A new wire, which all who need one wait for. Raises redis' errors."""
        if self._connecting is None:
            self._connecting = gevent.spawn(self._connect)
        outcome = self._connecting.get()
        if isinstance(outcome, Exception):
            raise type(outcome)(*outcome.args) from outcome  # each has a traceback of its own
        return outcome

    def _connect(self) -> Wire | Exception:
        if self._wire is not None:
            self._wire.retire()
        try:
            connection = self._make()
            with gevent.Timeout(self._patience, RedisTimeoutError("No connection to Redis in time")):
                connection.connect()  # a name to look up and several replies, each of which may take its own time
            self._wire = Wire(connection, self._patience)
            return self._wire
        except (RedisError, OSError) as error:
            return error
        finally:
            self._connecting = None


def _pack(command: Sequence[Any]) -> bytes:
    try:
        packed: bytes = hiredis.pack_command(tuple(command))
        return packed
    except TypeError as error:
        raise DataError(*error.args) from error
