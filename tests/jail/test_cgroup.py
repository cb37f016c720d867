"""The cgroup of a jail, on a folder that looks like cgroup v2, and on the real one where it can be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.warden import cgroup


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service in /system/service, which holds processes; /system hands memory and pids on."""
    service = tmp_path / "system" / "service"
    service.mkdir(parents=True)
    (tmp_path / "system" / "cgroup.subtree_control").write_text("cpu memory pids\n")
    monkeypatch.setattr(cgroup, "_own_group", lambda: "/system/service")
    return tmp_path


def test_the_jail_gets_a_group_beside_the_service_with_its_limits(tree: Path) -> None:
    group = cgroup.make_cgroup(1000, 20, str(tree))
    assert group is not None and Path(group.path).parent == tree / "system"
    written = {file.name: file.read_text() for file in Path(group.path).iterdir()}
    assert written == {"memory.max": "1000", "memory.swap.max": "0", "memory.oom.group": "1", "pids.max": "30"}
    (Path(group.path) / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert group.ran_out_of_memory()


def test_without_the_controllers_there_is_none(tree: Path) -> None:
    (tree / "system" / "cgroup.subtree_control").unlink()
    assert cgroup.make_cgroup(1000, 20, str(tree)) is None
    assert [path.name for path in (tree / "system").iterdir()] == ["service"]


def test_groups_of_wardens_that_were_killed_are_removed(tree: Path) -> None:
    left = tree / "system" / f"{cgroup.PREFIX}{2**22 + 1}"  # above the largest pid
    left.mkdir()
    cgroup.make_cgroup(1000, 20, str(tree))
    assert not left.exists()


def test_a_real_group_counts_and_goes(tmp_path: Path) -> None:
    group = cgroup.make_cgroup(64 * 1024**2, 20)
    if group is None:
        pytest.skip("no cgroup v2 here that this process may use")
    assert Path(group.path, "memory.max").read_text().strip() == str(64 * 1024**2)
    group.remove()
    assert not Path(group.path).exists()
