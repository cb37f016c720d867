"""Who a run's commands are. As root: a user of the run's own, who exists nowhere else. Else: whoever the service is.

A uid is claimed for a workspace by a file that names it, so that no two runs of a machine share one; the claim ends
with the workspace. The kernel then holds the jail to everything that it holds a stranger to: files of the machine,
settings below /proc/sys, the number of its processes, its share of pipes and keys.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent.errors import PermanentError
from agent.sandbox.trouble import PASSING

CLAIMS: Final = Path("/run/runwire/uids")
"""Emptied at a restart, like the processes."""
CANDIDATES: Final = ((1_879_100_000, 65_536), (200_000, 65_536), (62_000, 2_000), (30_000, 20_000))
"""First uid and number, best first: above what containers get (systemd's UIDS-GIDS), then what fits into the 65,536 of
a container; the last ones may belong to people, so each is looked up."""
TRIES: Final = 1_000


class NoIdentity(PermanentError):
    """No unprivileged uid can be had; the message is the reason."""


def is_shared() -> bool:
    """Whether commands run as the service's own user, because only root can give them another."""
    return os.geteuid() != 0


def claim(workspace: Path) -> int | None:
    """The uid (and gid) of this workspace, which is handed to it; ``None`` where it is the service's own.

    The folder must exist. Raises ``NoIdentity``, ``OSError``.
    """
    if is_shared():
        return None
    with _claims() as claims:
        held = _sweep(claims)
        uid = held.get(str(workspace))
        if uid is None:
            uid = _uid_of(workspace, held) or _free_uid(held)
            (claims / str(uid)).write_text(str(workspace))
        if workspace.stat().st_uid != uid:  # new, or made anew
            os.chown(workspace, uid, uid, follow_symlinks=False)
            os.chmod(workspace, 0o700)
    return uid


def release(workspace: Path) -> None:
    """Give the workspace's uid back. The folder is gone by now, or will be."""
    if is_shared() or not CLAIMS.is_dir():
        return
    with _claims() as claims:
        if (uid := _sweep(claims).get(str(workspace))) is not None:
            (claims / str(uid)).unlink()


def _uid_of(workspace: Path, held: dict[str, int]) -> int | None:
    """Its owner already, from before a restart of the machine, which has emptied the claims."""
    owner = workspace.stat().st_uid
    first, number = _range()
    return owner if first <= owner < first + number and owner not in held.values() else None


def _free_uid(held: dict[str, int]) -> int:
    first, number = _range()
    taken = set(held.values())
    for _ in range(TRIES):
        uid = first + secrets.randbelow(number)
        if uid not in taken and not _is_somebody(uid):
            return uid
    raise NoIdentity(f"no free uid from {first} to {first + number - 1}")


def _range() -> tuple[int, int]:
    mapped = [_mapped("uid"), _mapped("gid")]
    for first, number in CANDIDATES:
        if all(any(low <= first and first + number <= low + size for low, size in spans) for spans in mapped):
            return first, number
    raise NoIdentity("this container has too few uids (/proc/self/uid_map) to give commands one of their own")


def _mapped(kind: str) -> list[tuple[int, int]]:
    """First id and number of ids that exist here."""
    lines = Path(f"/proc/self/{kind}_map").read_text().splitlines()
    return [(int(low), int(size)) for low, _, size in (line.split() for line in lines)]


def _is_somebody(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


@contextmanager
def _claims() -> Iterator[Path]:
    try:
        CLAIMS.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(CLAIMS.parent / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno in PASSING:
            raise
        raise NoIdentity(f"uids cannot be claimed in {CLAIMS} ({error.strerror})") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield CLAIMS
    finally:
        os.close(fd)


def _sweep(claims: Path) -> dict[str, int]:
    """All claims, uids by workspace, without those whose workspace somebody has removed without saying so."""
    held = {}
    for file in claims.iterdir():
        workspace = file.read_text()
        if os.path.lexists(workspace):
            held[workspace] = int(file.name)
        else:
            file.unlink()
    return held
