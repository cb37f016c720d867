"""``main(orders, control)``: one jailed command from its start to its end.

The jail's input and outputs are this process's own. ``control`` is a socket to the service: when the service closes its
end, or dies, the jail is killed. Over it goes one answer, ``{}`` or ``{"budget": …, "used": …, "limit": …}`` or
``{"failed": reason}``, each with ``"network"`` (see agent/proxy/counts.py) where the command went to the network. The
exit code is the command's, as a shell would give it.

Where the command goes on in the background, ``control`` is a descriptor of the service's process (pidfd), and the
answer goes into a file, with ``"code"``, and with ``"by": "stop"`` or ``"service"`` where that has ended it.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress

from agent.warden import network
from agent.warden.background import Background
from agent.warden.cgroup import Cgroup, make_cgroup
from agent.warden.door import Door
from agent.warden.gone import SHORT
from agent.warden.held import Watcher
from agent.warden.jail import Jail
from agent.warden.orders import LENT, Orders, read_orders
from agent.warden.ready import ready
from agent.warden.start import FAILED, lend, start
from agent.warden.walk import Room, Walker

LOOK = 0.1
"""Seconds between two looks, at least …"""
REST = 4.0
"""… and this many times as long as a look took: a jail of many processes must not cost the machine a processor."""
LONGEST = 0.8
SURE = 2
"""Looks in a row that find too much memory: that of a process that is just starting another is seen twice."""
UNSEEN = 10.0
"""Seconds until a jail must have a /proc to be watched by; bubblewrap takes some milliseconds."""
LAST_COUNT = 2.0
"""Seconds for a count after the end; a workspace within its budget of files takes a fraction of one."""
BRIEF_COUNT = 0.05
"""Seconds for one that is probably not needed."""
MORE_BYTES, MORE_FILES = 16 * 1024 * 1024, 1_000
"""What a command may add to a workspace that was over its budget before."""

Answer = dict[str, float | str]


def main(orders_fd: int, control: int) -> int:
    os.set_inheritable(control, False)  # the command must not get it
    orders = read_orders(orders_fd)
    background = door = None
    try:
        background = Background(**orders.background) if orders.background else None
        door = Door(orders.proxy, orders.direct)
        status, answer = FAILED, _prepare(orders, door)
        if not answer:
            status, answer = _keep(orders, control, background)
    except OSError as error:  # whatever there was of a jail ends with this process
        status, answer = FAILED, {"failed": f"this machine has too little left for its warden ({_words(error)})"}
    moved = door.close() if door else b""
    if background is not None:
        background.write_end({"code": status, **answer}, moved)
    else:
        _answer(control, answer, moved)
    return status


def _prepare(orders: Orders, door: Door) -> Answer:
    """Empty, or why not."""
    try:
        network.use(orders.network, orders.argv)
        door.open(orders.argv)
        if orders.uid is not None:
            lend(orders)
    except OSError as error:
        if error.errno in SHORT:
            raise
        return {"failed": f"CAP_SYS_ADMIN is needed to make a network and to lend a folder ({_words(error)})"}
    return {}


def _words(error: OSError) -> str:
    return error.strerror or str(error)


def _keep(orders: Orders, control: int, background: Background | None) -> tuple[int, Answer]:
    group = make_cgroup(orders.budgets["memory"], orders.budgets["processes"])
    try:
        return _Ward(orders, control, group, background).keep()
    finally:
        if group is not None:
            group.remove()


class _Ward:
    def __init__(self, orders: Orders, control: int, cgroup: Cgroup | None, background: Background | None) -> None:
        self._budgets = orders.budgets
        self._cgroup = cgroup
        self._background = background
        self._calls = {control: "service"}
        if background is not None:
            self._calls[background.called] = "stop"
        self._workspace = f"{LENT}/workspace" if orders.lent else orders.workspace
        reading, info = os.pipe()
        orders.argv[orders.argv.index("info")] = str(info)
        self._room = Room(self._workspace)
        self._pid = start(orders, info, cgroup)
        os.close(info)
        self._let_go()
        # While bubblewrap is still busy, so that the first count is of what the command finds.
        self._walker = Walker(self._workspace, orders.uid, self._budgets["disk"] * 2, self._budgets["files"] * 2)
        self._ended = os.pidfd_open(self._pid)
        self._jail = Jail(reading, self._pid)
        os.close(reading)
        self._walker.tell(self._jail.path("ns/user"))
        self._watcher = Watcher(self._jail, self._budgets["memory"], os.stat(self._workspace).st_dev)
        self._on_disk = (0, 0)
        self._most: tuple[int, int] | None = None
        self._seen_by = time.monotonic() + UNSEEN

    def _let_go(self) -> None:
        """Only the jail holds its input and outputs now, so that their end is seen."""
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.close(null)

    def keep(self) -> tuple[int, Answer]:
        """Watch until the jail has ended; returns the exit code and what ended it, where that was not the command."""
        over = None
        by: Answer = {}
        try:
            over = self._watch()
        finally:
            if over or not self._has_ended(0):
                by = self._who_calls()
                self._jail.kill()
            _, status = os.waitpid(self._pid, 0)
            over = over or self._passed_at_last()
            self._walker.stop()
        if over is None and self._cgroup is not None and self._cgroup.ran_out_of_memory():
            over = self._over("memory", self._budgets["memory"])
        code = os.waitstatus_to_exitcode(status)
        return (128 - code if code < 0 else code), over or by

    def _who_calls(self) -> Answer:
        calling = ready(self._calls, 0)
        return {"by": self._calls[calling[0]]} if calling else {}

    def _watch(self) -> Answer | None:
        """Until the jail ends, the service wants it to end, or a budget is passed."""
        if not self._jail.is_known and not self._has_ended(LOOK):
            return {"failed": "the jail cannot be watched"}
        pause = LOOK
        found = 0
        while not self._has_ended(pause):
            if self._who_calls() or (self._background is not None and self._background.is_forgotten):
                return None
            before = time.monotonic()
            over = self._passed()
            found = found + 1 if over else 0
            if over and (found >= SURE or over.get("budget") != "memory"):
                return over
            pause = LOOK if over else min(LONGEST, max(LOOK, REST * (time.monotonic() - before)))
        return None

    def _has_ended(self, wait: float) -> bool:
        """Waits up to ``wait`` seconds, less if it is to end."""
        give_up = time.monotonic() + wait
        while True:
            pipes = self._background.pipes if self._background else []
            left = max(0.0, give_up - time.monotonic())
            found = ready([self._ended, *self._calls, *pipes], left)
            if self._ended in found or not found or any(fd in self._calls for fd in found):
                return self._ended in found
            if self._background:
                self._background.take()
            if time.monotonic() >= give_up:
                return False

    def _passed(self) -> Answer | None:
        if self._background is not None and self._background.is_late:
            return {"budget": "time", "used": self._background.seconds, "limit": self._background.seconds}
        held = self._watcher.look()
        if held is None:
            # A jail that lives and shows nothing must not go on unwatched.
            return {"failed": "the jail cannot be watched"} if time.monotonic() > self._seen_by else None
        if held.processes > self._budgets["processes"]:
            return self._over("processes", held.processes)
        if held.cpu > self._budgets["cpu"]:
            return self._over("cpu", held.cpu)
        if self._cgroup is None and held.memory > self._budgets["memory"]:
            return self._over("memory", held.memory)
        return self._passed_on_disk(sum(held.deleted.values()), held.hidden)

    def _passed_at_last(self) -> Answer | None:
        """Many commands are over before anybody has counted what they wrote."""
        # Room that others have freed meanwhile hides what this command took, so a small workspace is always counted.
        seconds = LAST_COUNT if self._room.has_shrunk() else BRIEF_COUNT
        if (count := self._walker.fresh(seconds)) is not None:
            return self._passed_by(count, 0)
        return None

    def _passed_on_disk(self, deleted: int, hidden: int) -> Answer | None:
        if (count := self._walker.latest()) is not None:
            self._on_disk = count
        return self._passed_by(self._on_disk, deleted + (self._hidden(hidden, deleted) if hidden else 0))

    def _hidden(self, files: int, deleted: int) -> int:
        """Bytes of deleted files that nobody can see: what the disk has lost and nothing shows, if it can be theirs."""
        added = self._on_disk[0] - (self._walker.first or self._on_disk)[0]
        return min(files * self._budgets["file"], max(0, self._room.lost() - added - deleted))

    def _passed_by(self, count: tuple[int, int], deleted: int) -> Answer | None:
        if self._most is None:
            if self._walker.first is None:
                return None
            self._most = self._allowed(*self._walker.first)
        taken, entries = count
        if taken + deleted > self._most[0]:
            return self._over("disk", taken + deleted)
        if entries > self._most[1]:
            return self._over("files", entries)
        return None

    def _allowed(self, taken: int, entries: int) -> tuple[int, int]:
        """The budgets; a command that finds the workspace too full may clean up, but not add."""
        disk, files = self._budgets["disk"], self._budgets["files"]
        return (
            disk if taken <= disk else taken + MORE_BYTES,
            files if entries <= files else entries + MORE_FILES,
        )

    def _over(self, budget: str, used: float) -> Answer:
        return {"budget": budget, "used": used, "limit": self._budgets[budget]}


def _answer(control: int, answer: Answer, moved: bytes) -> None:
    text = "{}"
    if answer or moved:
        import json  # takes longer to import than most commands take to run

        text = json.dumps(answer | ({"network": json.loads(moved)} if moved else {}))
    with suppress(OSError):  # the service is gone
        os.write(control, text.encode())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
