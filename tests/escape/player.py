"""Plays attempts one after the other, here or as an ordinary user in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Collection, Generator, Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.escape.attempt import Attempt, Outcome, Verdict
from tests.escape.attempts import BY_KIND
from tests.escape.bystander import Bystander
from tests.escape.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
ORDINARY_UID = 47_110
"""A uid that nobody has: what it may use up is counted for it alone."""
AS_ORDINARY_USER: Final[dict[str, Any]] = {"user": ORDINARY_UID, "group": ORDINARY_UID, "extra_groups": []}


def names() -> list[str]:
    return [attempt.name for attempts in BY_KIND.values() for attempt in attempts]


def users() -> list[str]:
    """Who the attempts are played as: root can become an ordinary user, not the other way round."""
    return ["root", "ordinary user"] if os.geteuid() == 0 else ["ordinary user"]


def play(user: str, wanted: Collection[str]) -> Generator[Outcome, None, None]:
    """Play the attempts named in `wanted` as `user`."""
    if user == "ordinary user" and os.geteuid() == 0:
        yield from _in_other_process(wanted)
        return
    with tempfile.TemporaryDirectory(prefix="escape-") as name:
        folder = Path(name)
        (folder / "sandboxes").mkdir(mode=0o700)
        with Bystander(folder / "host") as host:
            Stage(folder / "sandboxes", host, user).warm_up()
            for kind, attempts in BY_KIND.items():
                for attempt in attempts:
                    if attempt.name in wanted:
                        yield _play_one(folder / "sandboxes", host, user, kind, attempt)


def _play_one(folder: Path, host: Bystander, user: str, kind: str, attempt: Attempt) -> Outcome:
    try:
        return Stage(folder, host, user).play(kind, attempt)
    except Exception as error:
        return Outcome(attempt.name, kind, user, Verdict.UNTRIED, f"{type(error).__name__}: {error}", 0.0)


def _in_other_process(wanted: Collection[str]) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory(prefix="escape-user-") as name:
        home = Path(name)
        os.chown(home, ORDINARY_UID, ORDINARY_UID)
        interpreter, packages = ordinary_python()
        process = subprocess.Popen(
            [interpreter, "-m", "tests.escape.player"],
            **AS_ORDINARY_USER,
            cwd=_readable_copy(home),
            env={"HOME": name, "TMPDIR": name, "PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": packages},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdin and process.stdout
            with process.stdin:
                json.dump(list(wanted), process.stdin)
            for line in process.stdout:
                fields = json.loads(line)
                yield Outcome(**fields | {"verdict": Verdict(fields["verdict"])})
        if process.returncode:
            raise RuntimeError(f"the attempts of an ordinary user ended with {process.returncode}")


@cache
def ordinary_python() -> tuple[str, str]:
    """A Python of this version that an ordinary user may run, and the folder of the packages, for PYTHONPATH.

    Often this one lies in root's home, which nobody else can enter; then the system's has to be of the same version.
    """
    packages = sysconfig.get_path("purelib")
    for interpreter in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}", "/usr/local/bin/python3"):
        command = [interpreter, "-c", "import pydantic, sys; print(sys.version_info[:2])"]
        env = {"PYTHONPATH": packages, "PATH": os.defpath}
        with suppress(OSError):
            done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, **AS_ORDINARY_USER)
            if done.stdout.strip() == str(tuple(sys.version_info[:2])):
                return interpreter, packages
    raise RuntimeError(f"an ordinary user can run no Python {sys.version_info[:2]} with the packages in {packages}")


def _readable_copy(home: Path) -> Path:
    """The checkout may lie where an ordinary user cannot read, too."""
    copy = home / "checkout"
    for name in ("agent", "tests", "tools"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


if __name__ == "__main__":
    for outcome in play("ordinary user", json.load(sys.stdin)):
        print(json.dumps(asdict(outcome)), flush=True)
