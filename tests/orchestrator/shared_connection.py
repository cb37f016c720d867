"""Greenlets that ask Redis over the one connection that all share, and what each of them got."""

from collections.abc import Callable
from typing import Any

import gevent
import redis

from orchestrator.runlog.commands import Commands
from orchestrator.runlog.connection import Client

CROWD = 200
PATIENCE = 30.0
"""Seconds; longer than any test here takes, however busy the machine."""


def of(client: Client) -> Commands:
    found: Commands = client.commands
    return found


def echo(commands: Commands, word: object) -> object:
    [reply] = commands.ask([("ECHO", str(word))])
    return reply.decode() if isinstance(reply, bytes) else reply


def outcome(call: Callable[..., object], *args: object) -> "gevent.Greenlet[..., Any]":
    """A greenlet whose value is what the call returns, or raises."""

    def catch() -> object:
        try:
            return call(*args)
        except redis.RedisError as error:
            return error

    return gevent.spawn(catch)


def all_of(greenlets: "list[gevent.Greenlet[..., Any]]") -> list[Any]:
    gevent.joinall(greenlets, timeout=PATIENCE)
    return [each.value for each in greenlets]
