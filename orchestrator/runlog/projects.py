"""The files that outlive a run, by project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import project_files, project_owner

PROJECT_TTL: Final = 30 * 86_400
"""Seconds a project's files are kept after its last run."""

SAVED_BY: Final = b""
"""The field that is no file: when the run that saved the files was created, in ms."""

REPLACE: Final = """
local saved = tonumber(redis.call('HGET', KEYS[1], '') or '0')
if saved > tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '', ARGV[1])
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""


class ProjectFiles:
    def __init__(self, redis: Client) -> None:
        self._redis = redis

    def read(self, project_id: str) -> dict[str, bytes]:
        stored: dict[bytes, bytes] = self._redis.hgetall(project_files(project_id))
        return {path.decode(): content for path, content in stored.items() if path != SAVED_BY}

    def replace(self, project_id: str, files: Mapping[str, bytes], created: int) -> bool:
        """Make these the project's files, unless those of a run that was created after ``created`` (ms) are stored.

        May be repeated.
        """
        self._redis.expire(project_owner(project_id), PROJECT_TTL)  # not before the files are anybody else's
        args = [created, PROJECT_TTL, *(part for pair in files.items() for part in pair)]
        return bool(self._redis.eval(REPLACE, 1, project_files(project_id), *args))
