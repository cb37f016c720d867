"""Who gets which uid: one of its own for each workspace, as long as it is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.entries import Entry
from agent.sandbox import identity, open_sandbox, remove_workspace
from agent.sandbox.bubblewrap import BubblewrapSandbox

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a command another user")


@pytest.fixture(autouse=True)
def claims(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(identity, "CLAIMS", tmp_path / "claims" / "uids")
    return tmp_path / "claims" / "uids"


def workspace(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir()
    return path


def test_each_workspace_has_a_uid_of_its_own_which_stays(tmp_path: Path) -> None:
    roots = [workspace(tmp_path, f"run_{n}") for n in range(5)]
    uids = [identity.claim(root) for root in roots]
    assert len(set(uids)) == 5 and not {0, None} & set(uids)
    assert [root.stat().st_uid for root in roots] == uids == [identity.claim(root) for root in roots]
    assert {root.stat().st_mode & 0o777 for root in roots} == {0o700}


def test_it_is_given_back_with_the_workspace(tmp_path: Path, claims: Path) -> None:
    sandbox = open_sandbox("bubblewrap", tmp_path / "dir", "run_1")
    with sandbox.hold(lambda: None):
        sandbox.write({"a": Entry(b"x")}, lambda: None)
    assert len(list(claims.iterdir())) == 1
    remove_workspace("bubblewrap", tmp_path / "dir", "run_1")
    assert not list(claims.iterdir())


def test_it_is_free_again_where_somebody_else_removed_the_workspace(tmp_path: Path, claims: Path) -> None:
    first, second = workspace(tmp_path, "run_1"), workspace(tmp_path, "run_2")
    identity.claim(first)
    first.rmdir()
    identity.claim(second)
    assert [file.read_text() for file in claims.iterdir()] == [str(second)]


def test_a_restart_of_the_machine_which_forgets_the_claims_leaves_files_to_their_owner(
    tmp_path: Path, claims: Path
) -> None:
    root = workspace(tmp_path, "run_1")
    uid = identity.claim(root)
    for file in claims.iterdir():
        file.unlink()
    assert identity.claim(root) == uid


def test_processes_run_under_it(bubblewrap: BubblewrapSandbox) -> None:
    bubblewrap.run("touch made", timeout=9, on_output=lambda _, chunk: print(chunk), check=lambda: None)
    assert (bubblewrap.root / "made").stat().st_uid == bubblewrap.root.stat().st_uid != 0


def test_a_container_with_too_few_uids_gets_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_mapped", lambda kind: [(0, 1000)])
    with pytest.raises(identity.NoIdentity, match="too few uids"):
        identity.claim(tmp_path)
