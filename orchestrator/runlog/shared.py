"""A redis-py client whose small and frequent commands share one connection; all others take one of its pool.

A reply of megabytes, or a command of that size, would hold up what is asked behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from gevent.lock import BoundedSemaphore
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError

from orchestrator.runlog.commands import Commands

LARGE_BYTES: Final = 65_536
SHARING: Final = frozenset(
    {
        *("EVALSHA", "EVAL", "EXISTS", "GET", "SET", "DEL", "INCRBY", "EXPIRE", "PEXPIRE", "PTTL", "HGET"),
        *("ZADD", "ZREM", "ZCARD", "ZREMRANGEBYRANK", "ZRANGEBYSCORE"),
    }
)
"""What runs, streams and their watch ask; the largest reply is a page of a log. Contents are asked for with HMGET."""


class SharedRedis(Redis):
    """``from_pool``, then ``share``."""

    commands: Commands

    def share(self, commands: Commands) -> SharedRedis:
        self.commands = commands
        return self

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if not (args[0] in SHARING and _is_small(args) and self.commands.is_near):
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        [reply] = self.commands.ask([args])
        if isinstance(reply, Exception):
            raise reply
        return _shaped(self.response_callbacks, reply, args, options)

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: Any) -> Any:
        """As redis-py's, whose own way costs the client as much as the sending. Keys are names, and small."""
        if not (_is_small(keys_and_args[numkeys:]) and self.commands.is_near):
            return super().evalsha(sha, numkeys, *keys_and_args)
        [reply] = self.commands.ask([("EVALSHA", sha, numkeys, *keys_and_args)])
        if isinstance(reply, Exception):
            raise reply
        return reply

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Pipeline:
        if transaction:
            return super().pipeline(transaction, shard_hint)
        return _SharedPipeline(self)

    def close(self) -> None:
        self.commands.close()
        super().close()


class _SharedPipeline(Pipeline):
    def __init__(self, client: SharedRedis) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, False, None)
        self._commands = client.commands

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        stack: list[tuple[tuple[Any, ...], dict[str, Any]]] = self.command_stack
        commands = [args for args, _ in stack]
        are_small = all(args[0] in SHARING for args in commands) and _is_small(
            part for args in commands for part in args
        )
        if not (stack and are_small and self._commands.is_near):
            return super().execute(raise_on_error)
        try:
            replies = self._commands.ask(commands)
            if raise_on_error:
                self.raise_first_error(stack, replies)  # type: ignore[no-untyped-call]
            callbacks = self.response_callbacks
            return [_shaped(callbacks, reply, *asked) for reply, asked in zip(replies, stack, strict=True)]
        finally:
            self.reset()


class FewAtATime:
    """Scripts of ``client``, ``most`` at a time; the others wait for their turn, up to ``wait`` seconds."""

    def __init__(self, client: Any, most: int, wait: float) -> None:
        self._client, self._wait = client, wait
        self._turns = BoundedSemaphore(most)

    def evalsha(self, *args: Any) -> Any:
        return self._in_turn(self._client.evalsha, args)

    def eval(self, *args: Any) -> Any:
        return self._in_turn(self._client.eval, args)

    def _in_turn(self, call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        if not self._turns.acquire(timeout=self._wait):
            raise RedisConnectionError("Too many wait for Redis")
        try:
            return call(*args)
        finally:
            self._turns.release()


def _is_small(args: Iterable[Any]) -> bool:
    return sum([len(arg) for arg in args if isinstance(arg, (str, bytes))]) <= LARGE_BYTES


def _shaped(callbacks: Any, reply: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """As redis-py gives it to its callers."""
    if isinstance(reply, Exception) or (callback := callbacks.get(args[0])) is None:
        return reply
    options.pop("keys", None)
    return callback(reply, **options)
