"""A project's unfinished runs in the order in which they were asked for: the first one works, the others wait."""

from __future__ import annotations

from typing import Any, Final

from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import project_runs

LINE_TTL: Final = 30 * 86_400
"""Seconds; as long as the project's files. An empty line is no key at all."""

JOIN: Final = """
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at then
  local now, last = redis.call('TIME'), redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
  at = math.max(now[1] * 1000 + math.floor(now[2] / 1000), tonumber(last[2] or '0') + 1)
  redis.call('ZADD', KEYS[1], at, ARGV[1])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
local rank = redis.call('ZRANK', KEYS[1], ARGV[1])
if rank == 0 then return {} end
return redis.call('ZRANGE', KEYS[1], 0, rank - 1, 'WITHSCORES')
"""


class ProjectLine:
    def __init__(self, redis: Client) -> None:
        self._redis = redis

    def join(self, project_id: str, run_id: str) -> dict[str, int]:
        """Stand at the end, or where the run stands already; returns the runs before it: when they came, in ms."""
        return self.read(self._redis.eval(JOIN, 1, project_runs(project_id), run_id, LINE_TTL))

    def ask_to_join(self, pipe: Any, project_id: str, run_id: str) -> None:
        """Add a command to ``pipe`` that does the same; ``read`` its reply."""
        # redis-py's Cluster pipeline has an ``eval`` that takes no arguments, yet carries the command out.
        pipe.execute_command("EVAL", JOIN, 1, project_runs(project_id), run_id, LINE_TTL)

    def read(self, reply: list[bytes]) -> dict[str, int]:
        names, scores = reply[::2], reply[1::2]
        return {name.decode(): int(float(score)) for name, score in zip(names, scores, strict=True)}

    def ask_length(self, pipe: Any, project_id: str) -> None:
        pipe.zcard(project_runs(project_id))

    def all(self, project_id: str) -> list[str]:
        return list(self.times(project_id))

    def times(self, project_id: str) -> dict[str, int]:
        """The runs in the line: when they came, in ms."""
        found = self._redis.zrange(project_runs(project_id), 0, -1, withscores=True)
        return {name.decode(): int(score) for name, score in found}

    def leave(self, project_id: str, run_id: str, pipe: Any = None) -> None:
        (self._redis if pipe is None else pipe).zrem(project_runs(project_id), run_id)
