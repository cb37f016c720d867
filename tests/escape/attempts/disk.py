"""Filling the host's disk: with bytes, with files, with names.

FINDINGS A2: 2.9 GB in 9 s. Each program stops by itself a quarter above the budget.
"""

from __future__ import annotations

from tests.escape.attempt import Attempt

WRITE = """
STEP = 8 * MIB
BLOCK = os.urandom(MIB)
def write(number, size):
    for _ in range(size // MIB):
        if os.write(number, BLOCK) != MIB:
            raise OSError(errno.ENOSPC, "a short write")
count = iter(range(10_000_000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
"""


def filler(name: str, program: str) -> Attempt:
    return Attempt(name, WRITE + program, seconds=30)


ATTEMPTS = (
    filler(
        "Write one file that grows and grows",
        """
number = os.open("big", os.O_CREAT | os.O_WRONLY)
grow("bytes", STEP, lambda size: write(number, size), "bytes in one file")
""",
    ),
    filler(
        "Write many files, each below the limit of one",
        """
def take(size):
    number = os.open(f"file-{next(count)}", os.O_CREAT | os.O_WRONLY)
    write(number, size)
    os.close(number)
grow("bytes", STEP, take, "bytes in many files")
""",
    ),
    filler(
        "Reserve space without writing (fallocate)",
        """
def take(size):
    number = os.open(f"file-{next(count)}", os.O_CREAT | os.O_WRONLY)
    os.posix_fallocate(number, 0, size)
    os.close(number)
grow("bytes", STEP, take, "bytes reserved")
""",
    ),
    filler(
        "Write files, delete them and keep them open",
        """
def take(size):
    number = os.open("deleted", os.O_CREAT | os.O_RDWR)
    os.unlink("deleted")
    write(number, size)
    return number
grow("bytes", STEP, take, "bytes in deleted files")
""",
    ),
    filler(
        "Delete files and send them through a socket: on their way nobody has them",
        """
import socket
def take(size):
    pair = socket.socketpair()
    number = os.open("deleted", os.O_CREAT | os.O_RDWR)
    os.unlink("deleted")
    write(number, size)
    socket.send_fds(pair[0], [b"x"], [number])
    os.close(number)
    return pair
grow("bytes", STEP, take, "bytes in files on their way")
""",
    ),
    filler(
        "Keep deleted files in a thread's own list of descriptors",
        """
import threading
def body():
    LIBC.syscall(436, 1000, 1000, 2)  # close_range, CLOSE_RANGE_UNSHARE
    def take(size):
        number = os.open("deleted", os.O_CREAT | os.O_RDWR)
        os.unlink("deleted")
        write(number, size)
        return number
    grow("bytes", STEP, take, "bytes in a thread's files")
thread = threading.Thread(target=body)
thread.start()
thread.join()
""",
    ),
    filler(
        "Write files that never had a name (O_TMPFILE)",
        """
def take(size):
    number = os.open(".", os.O_TMPFILE | os.O_RDWR)
    write(number, size)
    return number
grow("bytes", STEP, take, "bytes in nameless files")
""",
    ),
    filler(
        "Write by mapping a sparse file",
        """
import mmap
def take(size):
    with open(f"file-{next(count)}", "w+b") as file:
        file.truncate(size)
        memory = mmap.mmap(file.fileno(), size)
        for start in range(0, size, MIB):
            memory[start:start + MIB] = BLOCK
        memory.flush()
        memory.close()
grow("bytes", STEP, take, "bytes written through mappings")
""",
    ),
    filler(
        "Make a sparse file of 10 GB",
        """
with open("sparse", "wb") as file:
    try:
        file.truncate(10 * 1024 * MIB)
    except OSError as error:
        held(f"{errno.errorcode[error.errno]} on 10 GB")
    else:
        held(f"{os.stat('sparse').st_blocks * 512} bytes of 10 GB are on the disk")
""",
    ),
    filler(
        "Make small files without end",
        """
def take(_):
    for _ in range(100):
        os.close(os.open(f"file-{next(count)}", os.O_CREAT))
grow("entries", 100, take, "files")
""",
    ),
    filler(
        "Make folders without end, one in the other",
        """
def take(_):
    for _ in range(100):
        os.mkdir("d")
        os.chdir("d")
grow("entries", 100, take, "folders, one in the other")
""",
    ),
    filler(
        "Make hard links, symbolic links, pipes and sockets without end, with the longest names",
        """
import socket, stat
open("one", "w").close()
def take(_):
    for _ in range(25):
        n = next(count)
        os.symlink("x" * 4000, f"{n}-symbolic".ljust(250, "x"))
        os.link("one", f"{n}-hard".ljust(250, "x"))
        os.mkfifo(f"{n}-pipe".ljust(250, "x"))
        os.mknod(f"{n}-socket".ljust(250, "x"), stat.S_IFSOCK | 0o600)
grow("entries", 100, take, "links, pipes and sockets")
""",
    ),
    filler(
        "Keep deleted empty files and folders out of every list",
        """
import resource
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
kept = []
try:
    while len(kept) < 20_000:
        kept.append(os.open(".", os.O_TMPFILE | os.O_RDWR))
except OSError as error:
    held(f"{errno.errorcode[error.errno]} after {len(kept)} nameless files")
else:
    escaped(f"{len(kept)} nameless files at once")
""",
    ),
    Attempt(
        "Fill the disk in no time and end before anybody has looked",
        WRITE
        + """
for n in range(BUDGET["bytes"] * 5 // 4 // STEP):
    write(os.open(f"file-{n}", os.O_CREAT | os.O_WRONLY), STEP)
held("whether it is noticed is seen in the result")
""",
        must_be_killed=True,
    ),
    Attempt(
        "Fill the disk from a session of its own after the output is closed",
        WRITE
        + """
def body():
    os.setsid()
    os.close(1)
    os.close(2)
    for n in range(BUDGET["bytes"] * 5 // 4 // STEP):
        write(os.open(f"file-{n}", os.O_CREAT | os.O_WRONLY), STEP)
    os.mkdir("survived")
child(body)
while not os.path.exists("survived"):
    time.sleep(0.01)
held("whether it is noticed is seen in the result")
""",
        must_be_killed=True,
    ),
)
