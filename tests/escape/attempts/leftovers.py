"""Leaving something that lives on when the run is over. Whether it does is seen on the host, after every attempt."""

from __future__ import annotations

from tests.escape.attempt import Attempt

ATTEMPTS = (
    Attempt(
        "Leave System V segments, semaphores and queues",
        """
made = 0
for make in (
    lambda: LIBC.shmget(HOST["sysv"], 4096, 0o1666),
    lambda: LIBC.semget(HOST["sysv"], 1, 0o1666),
    lambda: LIBC.msgget(HOST["sysv"], 0o1666),
):
    made += make() >= 0
held(f"{made} of 3 made; whether they outlive it is seen on the host")
""",
    ),
    Attempt(
        "Leave a message queue and a semaphore with a name",
        """
with contextlib.suppress(OSError):
    call("mq_open", HOST["mark"].encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
with contextlib.suppress(OSError):
    open(f"/dev/shm/{HOST['mark']}", "w").close()
held("whether they outlive it is seen on the host")
""",
    ),
    Attempt(
        "Leave keys in every keyring",
        """
name = f"left-{HOST['run']}".encode()
for ring in (-1, -2, -3, -4, -5):
    with trying(f"left a key in keyring {ring}"):
        key = call("add_key", b"user", name, b"x", 1, ctypes.c_long(ring))
        call("keyctl", 15, key, 60)  # gone after a minute, where nobody prevents it
""",
    ),
    Attempt(
        "Leave a workspace that nobody can enter, list or remove",
        """
os.makedirs("a/b/c")
open("a/b/c/file", "w").close()
for path in ("a/b/c/file", "a/b/c", "a/b", "a", "."):
    os.chmod(path, 0)
held("whether it can be removed is seen on the host")
""",
    ),
    Attempt(
        "Leave folders deeper than any path is long",
        """
for _ in range(1500):
    os.mkdir("d" * 20)
    os.chdir("d" * 20)
open("file", "w").close()
os.chmod(".", 0)
held("whether they can be removed is seen on the host")
""",
    ),
    Attempt(
        "Leave names that are no text, no line and no path",
        """
names = (b"\\xff\\xfe", b"new\\nline", b"tab\\t", b"\\x1b[31m", b"\\xe2\\x80\\xaetxt.exe")
for name in (*names, b"-rf", b"*", b" ", b"...", b"a" * 255):
    with open(name, "w") as file:
        file.write("x")
    os.mkdir(name + b"d" if len(name) < 255 else b"d" * 255)
held("whether they can be removed is seen on the host")
""",
    ),
    Attempt(
        "Leave folders in which everything is a link to the host's",
        """
for number, target in enumerate(("/", "/etc", "/tmp", "..", "../..", HOST["folders"][0], ".")):
    os.symlink(target, f"link-{number}")
held("what was removed with them is seen on the host")
""",
    ),
    Attempt(
        "Keep a lock on the workspace's files in a daemon",
        """
import fcntl
def body():
    os.setsid()
    ignore_signals()
    file = open("locked", "w")
    fcntl.flock(file, fcntl.LOCK_EX)
    fcntl.flock(os.open(".", os.O_RDONLY), fcntl.LOCK_EX)
    time.sleep(60)
child(body)
time.sleep(0.2)
held("whether the daemon lives on is seen on the host")
""",
    ),
)
