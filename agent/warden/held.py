"""How much memory, how many processes and how much processor time a jail takes, read from /proc.

A process can hold more than its own account shows: shared memory whose pages it has dropped from its tables, buffers of
pipes and sockets, files in /tmp, the kernel's tables about it. Each has its line here. Where an exact number would be
dear, the estimate is the kernel's upper limit for such a thing.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from agent.warden.gone import MayBeGone
from agent.warden.jail import Jail
from agent.warden.processor import ProcessorTime, Times, times

KB = 1024
PER_DESCRIPTOR = 8 * KB
"""A pipe beyond the user's first 64 MB of pipes gets two pages; most descriptors cost far less."""
PER_MAPPING = 4 * KB
"""The kernel's record takes about 200 bytes; the rest is for the time that reading a list of millions takes."""
PER_TMPFS_FILE = KB
MOST_OPEN = 1024
"""Descriptors of one process, see agent/sandbox/jail.py."""
SCRATCH = ("/tmp", "/dev/shm")


class Process:
    """One process's numbers. ``account``: the folder in /proc that has its memory."""

    def __init__(self, pid: str, account: str, status: dict[bytes, bytes]) -> None:
        self.pid = pid
        self.account = account
        self.threads = int(status.get(b"Threads", b"1"))
        self.own = KB * sum(_kb(status, name) for name in (b"RssAnon", b"VmSwap", b"HugetlbPages"))
        self.tables = KB * _kb(status, b"VmPTE")


class Held:
    """``memory`` in bytes, ``processes`` with threads, ``cpu`` in seconds; ``deleted``: bytes on the disk by inode.

    ``hidden``: files that nobody can see: sent and not received, or of a process that is closed to us.
    """

    def __init__(self) -> None:
        self.memory = 0
        self.processes = 0
        self.cpu = 0.0
        self.deleted: dict[int, int] = {}
        self.hidden = 0


class Watcher:
    def __init__(self, jail: Jail, memory: int, disk: int) -> None:
        self._jail = jail
        self._most_memory = memory
        self._disk = disk
        """st_dev of the workspace."""
        # What one can have sent that nobody has read: its buffer, which the filter lets nobody enlarge, and one more
        # piece; the kernel counts up to twice the bytes.
        self._per_unix_socket = 2 * _send_buffer()
        self._processor_time = ProcessorTime()
        self._shared_before = _shared_by_all()

    def look(self) -> Held | None:
        """``None`` while there is nothing to see."""
        proc = self._jail.proc()
        if proc is None:
            return None
        held = Held()
        pids = _pids(proc)
        processes = [process for pid in pids if (process := _process(proc, pid)) is not None]
        # Of a fork bomb's processes many have ended between the list and the look.
        held.processes = len(pids) + sum(process.threads - 1 for process in processes)
        held.cpu = self._processor_time.look(_times(proc, processes))
        scratch = self._scratch()
        unix = _read(self._jail.path("net/unix")).split(b"\n")[1:-1]
        held.memory = scratch + len(unix) * self._per_unix_socket + self._waiting()
        held.memory += sum(process.tables for process in processes)
        shared = _Shared(self._disk, self._scratch_devices(), _inodes(unix))
        for process in processes:
            held.memory += shared.look(proc, process)
            if held.memory > self._most_memory:
                break  # no need to know by how much
        held.memory += sum(shared.memory.values()) + self._unseen(shared, scratch)
        held.deleted, held.hidden = shared.disk, shared.hidden
        if held.memory + sum(process.own for process in processes) > self._most_memory:
            held.memory += sum(_private(proc, process) for process in processes)
        else:
            held.memory += sum(process.own for process in processes)
        return held

    def _unseen(self, shared: _Shared, scratch: int) -> int:
        """What the machine's shared memory has grown by and nobody can show: taken for this jail's, if it could be."""
        if not shared.is_guessed:
            return 0
        return max(0, _shared_by_all() - self._shared_before - sum(shared.memory.values()) - scratch)

    def _scratch(self) -> int:
        total = 0
        for path in SCRATCH:
            with MayBeGone():
                found = os.statvfs(self._jail.root(path))
                total += (found.f_blocks - found.f_bfree) * found.f_frsize
                total += (found.f_files - found.f_ffree) * PER_TMPFS_FILE
        return total

    def _scratch_devices(self) -> set[int]:
        devices = set()
        for path in SCRATCH:
            with MayBeGone():
                devices.add(os.stat(self._jail.root(path)).st_dev)
        return devices

    def _waiting(self) -> int:
        """Bytes in buffers of sockets of the internet's kinds."""
        total = 0
        for name in ("tcp", "tcp6", "udp", "udp6"):
            for line in _read(self._jail.path(f"net/{name}")).split(b"\n")[1:]:
                if len(fields := line.split()) > 4:
                    sent, _, received = fields[4].partition(b":")
                    total += int(sent, 16) + int(received, 16)
        return total


class _Shared:
    """Memory and disk space that mappings and descriptors hold without a name, each inode once.

    A process may drop pages of a shared mapping from its tables, or the mapping but for one page: its account forgets
    them, the memory is taken. Root can ask for the inode behind a mapping; others see the mapping's size, which may be
    what is left of it (``is_guessed``).
    """

    def __init__(self, disk: int, scratch: set[int], unix: set[int]) -> None:
        self.memory: dict[tuple[int, int], int] = {}
        self.disk: dict[int, int] = {}
        self.hidden = 0
        self.is_guessed = False
        self._disk, self._scratch, self._unix = disk, scratch, unix
        self._sockets: set[int] = set()

    def look(self, proc: int, process: Process) -> int:
        """Note what ``process`` holds; returns the bytes that the kernel's records about it take."""
        with MayBeGone():
            self._file(os.stat(f"{process.account}/exe", dir_fd=proc))  # held though nothing of it be mapped any more
        maps = _read(f"{process.account}/maps", proc)
        if b"(deleted)" in maps:
            for line in maps.split(b"\n"):
                if line.endswith(b" (deleted)"):
                    self._mapping(proc, process, line)
        return maps.count(b"\n") * PER_MAPPING + self._descriptors(proc, process) * PER_DESCRIPTOR

    def _mapping(self, proc: int, process: Process, line: bytes) -> None:
        span, _, offset, device, inode, _ = line.split(None, 5)
        major, minor = (int(part, 16) for part in device.split(b":"))
        start, end = (int(part, 16) for part in span.split(b"-"))
        size = end - start + int(offset, 16)
        with MayBeGone():  # unmapped since
            try:
                size = os.stat(f"{process.account}/map_files/{span.decode()}", dir_fd=proc).st_blocks * 512
            except PermissionError:
                self.is_guessed = True
                self.hidden += os.makedev(major, minor) == self._disk
        self._note(os.makedev(major, minor), int(inode), size)

    def _descriptors(self, proc: int, process: Process) -> int:
        folder = f"{process.account}/fd"
        count = 0
        with MayBeGone():
            try:
                fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
            except PermissionError:  # not dumpable, as a program is that may be executed and not read
                self.hidden += MOST_OPEN
                return MOST_OPEN
            try:
                for name in os.listdir(fd):
                    count += 1
                    with MayBeGone():
                        found = os.stat(name, dir_fd=fd)
                        self._file(found)
                        if found.st_ino in self._unix and stat.S_ISSOCK(found.st_mode):
                            self._socket(found.st_ino, _read(f"{process.account}/fdinfo/{name}", proc))
            finally:
                os.close(fd)
        return count

    def _file(self, found: os.stat_result) -> None:
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
            self._note(found.st_dev, found.st_ino, found.st_blocks * 512)

    def _socket(self, inode: int, info: bytes) -> None:
        """``info``: its file in fdinfo, which says how many descriptors wait in it (since Linux 5.6)."""
        if inode not in self._sockets:
            self._sockets.add(inode)
            self.hidden += int(info.partition(b"scm_fds:")[2].split(None, 1)[0]) if b"scm_fds:" in info else 0

    def _note(self, device: int, inode: int, size: int) -> None:
        if device == self._disk:
            self.disk[inode] = max(size, self.disk.get(inode, 0))
        elif device not in self._scratch:  # which is counted as a whole
            self.memory[device, inode] = max(size, self.memory.get((device, inode), 0))


def _inodes(unix: list[bytes]) -> set[int]:
    """Of the lines of net/unix. A socket's name may hold lines of its own, which add to them and hide none."""
    fields = (line.split(None, 7) for line in unix)
    return {int(each[6]) for each in fields if len(each) > 6 and each[6].isdigit()}


def _pids(proc: int) -> list[str]:
    with MayBeGone():
        return [name for name in os.listdir(proc) if name.isdecimal()]
    return []


def _process(proc: int, pid: str) -> Process | None:
    status = _status(proc, pid)
    if not status:
        return None
    account = pid
    if b"VmRSS" not in status and int(status.get(b"Threads", b"1")) > 1:
        # Its first thread has ended. The others still hold the memory, of which the process's own folder knows nothing.
        for thread in _names(proc, f"{pid}/task"):
            alive = _status(proc, f"{pid}/task/{thread}")
            if b"VmRSS" in alive:
                return Process(pid, f"{pid}/task/{thread}", {**alive, b"Threads": status[b"Threads"]})
    return Process(pid, account, status)


def _names(proc: int, folder: str) -> list[str]:
    """What is in a folder; nothing if its process has ended."""
    with MayBeGone():
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
        try:
            return os.listdir(fd)
        finally:
            os.close(fd)
    return []


def _status(proc: int, folder: str) -> dict[bytes, bytes]:
    pairs = (line.partition(b":") for line in _read(f"{folder}/status", proc).split(b"\n"))
    return {name: value.strip() for name, _, value in pairs}


def _private(proc: int, process: Process) -> int:
    """Its part of the pages without a file: those that a fork left shared are divided among their holders."""
    rollup = _read(f"{process.account}/smaps_rollup", proc)
    if not rollup:
        return process.own
    pairs = (line.partition(b":") for line in rollup.split(b"\n"))
    sizes = {name: value.strip() for name, _, value in pairs}
    names = (b"Pss_Anon", b"SwapPss", b"Shared_Hugetlb", b"Private_Hugetlb")
    return KB * sum(_kb(sizes, name) for name in names)


def _kb(fields: dict[bytes, bytes], name: bytes) -> int:
    return int(fields[name].split()[0]) if name in fields else 0


def _times(proc: int, processes: list[Process]) -> list[Times]:
    folders = ((process.pid, _read(f"{process.pid}/stat", proc)) for process in processes)
    found = (times(pid, stat, _read(f"{pid}/schedstat", proc)) for pid, stat in folders)
    return [each for each in found if each is not None]


def _shared_by_all() -> int:
    """Bytes of shared memory and tmpfs on the whole machine."""
    for line in _read("/proc/meminfo").split(b"\n"):
        if line.startswith(b"Shmem:"):
            return KB * int(line.split()[1])
    return 0


def _send_buffer() -> int:
    with suppress(OSError, ValueError), open("/proc/sys/net/core/wmem_default") as file:
        return int(file.read())
    return 208 * KB


def _read(path: str, folder: int | None = None) -> bytes:
    """The file's bytes, none if its process has ended or is closed to us."""
    with MayBeGone():
        fd = os.open(path, os.O_RDONLY, dir_fd=folder)
        try:
            pieces = []
            while piece := os.read(fd, 1 << 16):
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            os.close(fd)
    return b""
