"""What a run or a project holds can be looked at file by file."""

from __future__ import annotations

import hashlib

import pytest
import redis

from agent.entries import Entry, Mark
from orchestrator.runlog import RunLog
from orchestrator.stored_files import StoredFiles


def test_a_projects_files_are_named_with_size_hash_and_kind_and_read_one_by_one(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        log = RunLog(client)
        tree = {
            "b.txt": Entry(b"bytes"),
            "a/run": Entry(b"#!/bin/sh\n", "executable"),
            "link": Entry(b"b.txt", "link"),
            "empty": Entry(kind="folder"),
        }
        log.projects.replace("p", tree, created=1)
        view = StoredFiles(log).of_project("p")
        assert list(view.files) == ["a/run", "b.txt", "link"]
        assert view.files["b.txt"] == Mark("file", 5, hashlib.sha256(b"bytes").hexdigest())
        assert [view.files[path].kind for path in ("a/run", "link")] == ["executable", "link"]
        assert [view.read(path) for path in ("b.txt", "link")] == [b"bytes", b"b.txt"]
        for path in ("empty", "missing", "/"):
            with pytest.raises(KeyError):
                view.read(path)
        assert StoredFiles(log).of_project("nobody's").files == {}
        assert StoredFiles(log).of_run("run_missing").files == {}
