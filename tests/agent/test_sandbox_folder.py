"""The folder of the workspaces: ours alone, and nothing is left in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from agent.entries import Entry
from agent.errors import PermanentError, TransientError
from agent.sandbox import Janitor, default_dir, open_sandbox
from agent.sandbox.folder import RunFolder
from agent.sandbox.local import LocalSandbox

pytestmark = pytest.mark.program


def nothing() -> None:
    pass


@pytest.fixture
def dir(tmp_path: Path) -> Path:
    return tmp_path / "sandboxes"


def used(dir: Path, run_id: str, kind: str = "none") -> LocalSandbox:
    """A sandbox in which something was written, and which nobody holds."""
    sandbox = open_sandbox(kind, dir, run_id)
    with sandbox.hold(nothing):
        sandbox.write({"a/b.txt": Entry(b"x")}, nothing)
    return sandbox


def abandon(dir: Path, run_id: str, seconds: float, **owner: object) -> None:
    """As a process leaves it that worked there ``seconds`` ago."""
    path = dir / run_id / "owner"
    path.write_text(json.dumps(json.loads(path.read_text()) | owner))
    os.utime(path, (time.time() - seconds,) * 2)


def test_folders_are_made_for_this_user_alone_when_a_sandbox_is_first_held(dir: Path) -> None:
    sandbox = open_sandbox("none", dir, "run_1")
    assert not dir.exists()
    with sandbox.hold(nothing):
        for path in (dir, dir / "run_1", dir / "run_1" / "workspace"):
            assert path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_folder_that_others_may_enter_is_refused_with_its_path(dir: Path, mode: int) -> None:
    dir.mkdir()
    dir.chmod(mode)
    with pytest.raises(PermanentError, match=rf"{dir} .*expected the mode 0700, got 0{mode:o}"):
        used(dir, "run_1")


def test_a_link_in_its_place_is_refused(dir: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    dir.symlink_to("elsewhere")
    with pytest.raises(PermanentError, match="not a folder"):
        used(dir, "run_1")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another's folder")
def test_another_users_folder_is_refused(dir: Path) -> None:
    dir.mkdir(mode=0o700)
    os.chown(dir, 4242, 4242)
    with pytest.raises(PermanentError, match="expected the owner 0, got 4242"):
        used(dir, "run_1")


def test_a_folder_that_cannot_be_made_ends_the_run_with_its_path(tmp_path: Path) -> None:
    """An OSError looked like a Redis that is away, and the run was tried for ever."""
    (tmp_path / "file").touch()
    with pytest.raises(PermanentError, match=f"The sandbox folder {tmp_path}/file/x cannot be used: File exists"):
        used(tmp_path / "file" / "x", "run_1")


def test_a_workspace_that_vanishes_during_a_step_is_no_oserror(dir: Path) -> None:
    sandbox = open_sandbox("none", dir, "run_1")
    with sandbox.hold(nothing):
        (dir / "run_1" / "workspace").rmdir()
        with pytest.raises(PermanentError, match=f"The sandbox in {dir}/run_1 cannot be used"):
            sandbox.write({"a": Entry()}, nothing)


def test_a_machine_without_descriptors_is_worth_another_attempt(dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = used(dir, "run_1")
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **kwargs: os.open("/nonexistent\0"[:-1], 0))
    with sandbox.hold(nothing), pytest.raises(PermanentError):
        sandbox.write({}, nothing)

    def too_many(*args: object, **kwargs: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(subprocess, "Popen", too_many)
    with sandbox.hold(nothing), pytest.raises(TransientError, match="Too many open files"):
        sandbox.write({}, nothing)


@pytest.mark.parametrize("run_id", ["", "..", "a/b", "/abs", "a\n", "x" * 65])
def test_a_run_id_that_is_no_folder_name_is_refused(dir: Path, run_id: str) -> None:
    with pytest.raises(PermanentError, match="expected a run id"):
        open_sandbox("none", dir, run_id)


def test_the_default_is_below_the_users_own_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_dir() == tmp_path / ".cache" / "runwire" / "sandboxes"
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    assert default_dir() == Path(tempfile.gettempdir()) / f"runwire-{os.getuid()}"


def test_what_is_known_of_a_workspace_is_forgotten_before_anything_may_change_it(dir: Path) -> None:
    """A killed attempt must leave a workspace that is looked at again."""
    sandbox = used(dir, "run_1", "bubblewrap")
    folder = RunFolder(dir, "run_1")
    with sandbox.hold(nothing):
        known = {"a/b.txt": Entry(b"x").fingerprint}
        assert sandbox.changes(known, nothing).looked
        assert not sandbox.changes(known, nothing).looked
        assert sandbox.changes({}, nothing).looked
        assert sandbox.changes(known, nothing).looked is False
        sandbox.run("true", timeout=20, on_output=lambda *_: None, check=nothing)
        assert not folder.is_known_to_hold(known)
        assert sandbox.changes(known, nothing).looked


@pytest.mark.parametrize("kind", ["bubblewrap", "unsafe-local"])
def test_a_workspace_is_removed_however_deep_and_closed_it_is(dir: Path, kind: str) -> None:
    nest = "import os\nfor _ in range(1500): os.mkdir('d'); os.chdir('d')\nopen('x', 'w'); os.chmod('.', 0)"
    sandbox = open_sandbox(kind, dir, "run_1")
    with sandbox.hold(nothing):
        command = f'python3 -c "{nest}"; chmod 500 .'
        assert sandbox.run(command, timeout=20, on_output=lambda *_: None, check=nothing).exit_code == 0
    assert Janitor(kind, dir).remove("run_1")
    assert Janitor(kind, dir).remove("run_1")
    assert os.listdir(dir) == []


def test_links_in_a_workspace_do_not_lead_its_removal_outside(dir: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").touch()
    used(dir, "run_1")
    (dir / "run_1" / "workspace" / "link").symlink_to(tmp_path / "outside")
    assert Janitor("none", dir).remove("run_1")
    assert (tmp_path / "outside" / "kept").exists()


def test_a_workspace_in_use_stays(dir: Path) -> None:
    sandbox = used(dir, "run_1")
    with sandbox.hold(nothing):
        assert not Janitor("none", dir).remove("run_1")
        [piece] = sandbox.changes({}, nothing).entries.values()
        assert piece == Entry(b"x")


def test_the_janitor_removes_what_dead_processes_idle_and_ended_runs_have_left(dir: Path) -> None:
    for run_id in ("ended", "going_on", "dead", "died_just_now", "reused_pid", "last_boot", "idle", "unknown"):
        used(dir, run_id)
    abandon(dir, "dead", 61, pid=2**22 + 1)
    abandon(dir, "died_just_now", 5, pid=2**22 + 1)
    abandon(dir, "reused_pid", 61, started="1")
    abandon(dir, "last_boot", 61, boot="another")
    abandon(dir, "idle", 3601)
    (dir / "not a run").touch()

    def has_ended(run_id: str) -> bool:
        if run_id == "unknown":
            raise ConnectionError("Redis is away")
        return run_id == "ended"

    removed = Janitor("none", dir, has_ended).sweep()
    assert sorted(removed) == ["dead", "ended", "idle", "last_boot", "reused_pid"]
    assert sorted(os.listdir(dir)) == ["died_just_now", "going_on", "not a run", "unknown"]


def test_a_process_that_is_killed_while_it_holds_a_workspace_leaves_it_to_the_janitor(dir: Path) -> None:
    program = f"""
import time
from pathlib import Path
from agent.sandbox import open_sandbox
with open_sandbox("none", Path({str(dir)!r}), "run_1").hold(lambda: None):
    print("held", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        assert Janitor("none", dir, dead=0, idle=0).sweep() == []
        holder.kill()
    assert Janitor("none", dir, dead=0).sweep() == ["run_1"]
