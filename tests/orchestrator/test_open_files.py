"""Streams leave open files for everything else that a process does."""

import resource

import pytest

from orchestrator.open_files import viewers_at_most


@pytest.mark.parametrize(
    ("files", "viewers"), [(1_024, 512), (10_000, 8_000), (20_000, 12_000), (resource.RLIM_INFINITY, 12_000)]
)
def test_streams_leave_files_for_others(files: int, viewers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen: with 300 files 400 viewers took all of them, and no other client was let in."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert viewers_at_most(12_000) == viewers
