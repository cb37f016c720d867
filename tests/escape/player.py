"""Plays attempts one after the other, here or as an ordinary user in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Generator, Iterator
from dataclasses import asdict
from pathlib import Path

from tests.escape.attempt import Attempt, Outcome, Verdict
from tests.escape.attempts import BY_KIND
from tests.escape.bystander import Bystander
from tests.escape.stage import Stage
from tests.ordinary import program

ORDINARY_UID = 47_110
"""A uid that nobody has: what it may use up is counted for it alone."""


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
        with program("tests.escape.player", ORDINARY_UID) as how:
            how["env"] |= {"HOME": name, "TMPDIR": name, "LANG": "C.UTF-8"}
            process = subprocess.Popen(**how, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            yield from _played(process, wanted)


def _played(process: subprocess.Popen[str], wanted: Collection[str]) -> Iterator[Outcome]:
    with process:
        assert process.stdin and process.stdout
        with process.stdin:
            json.dump(list(wanted), process.stdin)
        for line in process.stdout:
            fields = json.loads(line)
            yield Outcome(**fields | {"verdict": Verdict(fields["verdict"])})
    if process.returncode:
        raise RuntimeError(f"the attempts of an ordinary user ended with {process.returncode}")


if __name__ == "__main__":
    for outcome in play("ordinary user", json.load(sys.stdin)):
        print(json.dumps(asdict(outcome)), flush=True)
