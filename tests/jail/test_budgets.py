"""Each budget ends the jail as a whole and is named, whatever the command does to hide what it takes."""

from __future__ import annotations

import os
import shlex
import shutil

import pytest

from agent.sandbox import MB, Budgets
from tests.jail.conftest import Run

SMALL = Budgets(memory=192 * MB, processes=48, cpu=30, disk=48 * MB, files=800)


needs_gcc = pytest.mark.skipif(
    shutil.which("gcc", path="/usr/bin") is None or os.uname().machine != "x86_64", reason="made for x86-64 by gcc"
)


def python(program: str) -> str:
    return f"python3 -c {shlex.quote(program)}"


MANY_PROCESSES = """
import os, time
for _ in range(12):
    if os.fork() == 0:
        held = bytearray(24 << 20)
        time.sleep(30)
time.sleep(30)
"""
SHARED_AND_FORGOTTEN = """
import mmap, time
held = []
for _ in range(12):
    held.append(mmap.mmap(-1, 32 << 20))
    for at in range(0, 32 << 20, 4096): held[-1][at] = 1
    held[-1].madvise(mmap.MADV_DONTNEED)
time.sleep(30)
"""
IN_SCRATCH = """
import time
for folder in ("/tmp", "/dev/shm"):
    for name in "ab":
        open(f"{folder}/{name}", "wb").write(bytes(56 << 20))
time.sleep(30)
"""
ORPHANS = """
import os, time
for _ in range(12):
    if os.fork() == 0:
        if os.fork():
            os._exit(0)
        os.setsid()
        held = bytearray(24 << 20)
        time.sleep(30)
time.sleep(30)
"""
FIRST_THREAD_GONE = """
import ctypes, os, threading, time
def hold():
    held = bytearray(80 << 20)
    time.sleep(30)
os.fork(), os.fork()
threading.Thread(target=hold).start()
ctypes.CDLL(None).pthread_exit(None)
"""
UNIX_SOCKETS = """
import socket, time
pairs = [socket.socketpair() for _ in range(300)]
for one, _ in pairs:
    one.setblocking(False)
    try:
        while True: one.send(bytes(4096))
    except BlockingIOError: pass
time.sleep(30)
"""
TMPFS_INODES = """
import os, time
for n in range(400_000): os.mknod(f"/tmp/{n}")
time.sleep(30)
"""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(MANY_PROCESSES, id="of many processes"),
        pytest.param(SHARED_AND_FORGOTTEN, id="shared, with its pages dropped"),
        pytest.param(IN_SCRATCH, id="files in scratch space"),
        pytest.param(ORPHANS, id="of processes that have left their parents"),
        pytest.param(FIRST_THREAD_GONE, id="of a process whose first thread has ended"),
        pytest.param(UNIX_SOCKETS, id="in sockets"),
        pytest.param(TMPFS_INODES, id="empty files in scratch space"),
    ],
)
def test_memory(run: Run, program: str) -> None:
    ending = run(python(program), SMALL)
    assert ending.budget == "memory", ending
    assert ending.result.killed and ending.result.killed.used > ending.result.killed.limit == SMALL.memory


BOMB = """
import os
while True:
    try: os.fork()
    except OSError: pass
"""


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("for i in $(seq 64); do sleep 30 & done; wait", id="processes"),
        pytest.param(
            python(
                "import threading, time\nthreading.stack_size(65536)\n"
                "for _ in range(60): threading.Thread(target=time.sleep, args=(30,)).start()"
            ),
            id="threads",
        ),
        pytest.param(python(BOMB), id="a bomb"),
    ],
)
def test_processes(run: Run, command: str) -> None:
    ending = run(command, SMALL)
    assert ending.budget == "processes", ending


UNTIL_IT_FAILS = """
import os, time
for n in range(400):
    try:
        if os.fork() == 0: time.sleep(9)
    except OSError:
        print("stopped at", n)
        os.kill(-1, 9)
"""


def test_forks_fail_at_the_wall_even_between_two_looks(run: Run) -> None:
    """RLIMIT_NPROC holds, also where the service is root: Linux exempts only the real root."""
    ending = run(python(UNTIL_IT_FAILS), Budgets(processes=40))
    assert "stopped at" in ending.output or ending.budget == "processes", ending


def test_processor_time(run: Run) -> None:
    ending = run("for i in 1 2 3 4; do (while :; do :; done) & done; wait", Budgets(cpu=1))
    assert ending.budget == "cpu", ending


WRITE = "dd if=/dev/zero of={} bs=1M count=30 status=none"
DELETED_BUT_OPEN = """
import os, time
held = []
for n in range(4):
    held.append(open(f"{n}", "wb"))
    os.unlink(f"{n}")
    os.posix_fallocate(held[-1].fileno(), 0, 20 << 20)
time.sleep(30)
"""
IN_FLIGHT = """
import os, socket, time
pairs = [socket.socketpair() for _ in range(3)]
for number, (near, far) in enumerate(pairs):
    with open(f"{number}", "wb") as file:
        os.unlink(f"{number}")
        file.write(bytes(120 << 20))
        file.flush()
        socket.send_fds(near, [b"x"], [file.fileno()])
time.sleep(30)
"""
# What nobody can see is told from the room that the disk has lost, so these take more than what other tests give back.
LARGE = DELETED_BUT_OPEN.replace("20 <<", "90 <<")
NOT_DUMPABLE = f"""
import ctypes
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0){LARGE}"""
MAPPED_BY_A_PAGE = """
import mmap, os, time
held = []
for n in range(9):
    with open(f"{n}", "w+b") as file:
        os.unlink(f"{n}")
        os.posix_fallocate(file.fileno(), 0, 35 << 20)
        held.append(mmap.mmap(file.fileno(), 4096))
    os.closerange(3, 99)  # mmap keeps one of its own
time.sleep(30)
"""
# A program that is deleted and takes itself out of its memory, but for a page without a file, on which it goes on.
UNMAPPED = r"""
#define CALL(n, a, b) ({ long r; \
    asm volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b) : "rcx", "r11", "memory"); r; })
static void go_on(void) {
    long forever[2] = {30, 0};
    CALL(11, 0x400000, 1 << 20);
    for (;;) CALL(35, forever, 0);
}
void _start(void) {
    register long r10 asm("r10") = 0x22, r8 asm("r8") = -1, r9 asm("r9") = 0;
    char *page;
    asm volatile("syscall" : "=a"(page) : "a"(9), "D"(0), "S"(4096), "d"(7), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11");
    for (int n = 0; n < 512; n++) page[n] = ((char *)go_on)[n];
    ((void (*)(void))page)();
}
"""
RUN_UNMAPPED = f"""cat > a.c <<'END'{UNMAPPED}END
gcc -O1 -fno-stack-protector -nostdlib -static -no-pie a.c -o a || exit 9
for n in 1 2 3; do cp a $n; head -c 25M /dev/zero >> $n; ./$n & sleep 0.1; rm $n; done; sleep 30"""


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(f"{WRITE.format('a')}; {WRITE.format('b')}; sleep 30", id="files"),
        pytest.param(
            f"mkdir closed; cd closed; {WRITE.format('a')}; {WRITE.format('b')}; chmod 000 .; sleep 30",
            id="in a folder that is closed",
        ),
        pytest.param(python(DELETED_BUT_OPEN), id="deleted, still open"),
        pytest.param(python(IN_FLIGHT), id="deleted, on their way from socket to socket"),
        pytest.param(python(NOT_DUMPABLE), id="deleted, of a process that is closed to others"),
        pytest.param(
            "cp /usr/bin/python3 p; chmod 111 p; ./" + python(LARGE).replace("python3", "p", 1),
            id="of a program that cannot be read",
        ),
        pytest.param(python(MAPPED_BY_A_PAGE), id="deleted, of which a page is mapped"),
        pytest.param(RUN_UNMAPPED, id="deleted, of a program that runs", marks=needs_gcc),
    ],
)
def test_disk(run: Run, command: str) -> None:
    ending = run(command, SMALL)
    assert ending.budget == "disk", ending


def test_what_a_short_command_has_written_is_counted_when_it_has_ended(run: Run) -> None:
    ending = run("head -c 60000000 /dev/zero > a", SMALL)
    assert ending.budget == "disk", ending


def test_space_cannot_be_reserved_faster_than_anybody_counts(run: Run) -> None:
    assert "not supported" in run("fallocate -l 1G a", SMALL).output


def test_sparse_files_take_no_disk(run: Run) -> None:
    ending = run("for i in 1 2 3 4 5; do truncate -s 60M $i; done; sleep 1.5; echo fine", SMALL)
    assert ending.output == "fine\n", ending


def test_files(run: Run) -> None:
    ending = run("for i in $(seq 12); do mkdir $i; (cd $i; seq 100 | xargs touch); done; sleep 30", SMALL)
    assert ending.budget == "files", ending


def test_a_nest_deeper_than_any_path_counts_as_too_many_files(run: Run) -> None:
    """Whoever counts has all folders on the way open, at nobody's cost but the machine's."""
    nest = "import os, time\nfor _ in range(5000): os.mkdir('d'); os.chdir('d')\ntime.sleep(30)"
    ending = run(python(nest), Budgets())
    assert ending.budget == "files", ending


def test_a_workspace_that_is_too_full_can_be_cleaned_up_but_not_filled(run: Run) -> None:
    fill = f"{WRITE.format('a')}; {WRITE.format('b')}; sleep 30"
    assert run(fill, SMALL, "sleep 1; rm a b; echo clean").output == "clean\n"
    again = run(fill, SMALL, f"sleep 1; {WRITE.format('c')}; sleep 30")
    assert again.budget == "disk", again


def test_the_model_reads_which_budget_and_how_much(run: Run) -> None:
    ending = run("for i in $(seq 64); do sleep 30 & done; wait", SMALL)
    assert str(ending.result.killed).endswith("processes and threads, 48 are allowed")
