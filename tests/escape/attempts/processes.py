"""Too many processes, and processes that do not want to end.

FINDINGS A2: as root there was no limit of processes at all.
"""

from __future__ import annotations

from tests.escape.attempt import Attempt

ATTEMPTS = (
    Attempt(
        "Fork until nothing more can be forked",
        """
grow("processes", 1, lambda _: child(lambda: time.sleep(60)), "processes")
""",
    ),
    Attempt(
        "Let each process fork two more",
        """
def bomb(depth):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in range(2):
        if depth:
            child(lambda: bomb(depth - 1))
    time.sleep(4)
try:
    child(lambda: bomb(8))  # 511 processes at most
    time.sleep(0.5)
    count = sum(name.isdecimal() for name in os.listdir("/proc"))
    if count > BUDGET["processes"]:
        say("PASSED", "processes")
        hold(f"{count} processes")
    held(f"{count} processes stand")
except OSError as error:
    held(errno.errorcode[error.errno])
""",
    ),
    Attempt(
        "Start threads until nothing more can be started",
        """
import threading
threading.stack_size(64 * 1024)
def take(_):
    try:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    except RuntimeError as error:
        raise MemoryError from error
grow("processes", 1, take, "threads")
os._exit(0)
""",
    ),
    Attempt(
        "Leave zombies that nobody collects",
        """
grow("processes", 1, lambda _: child(lambda: None), "zombies")
""",
    ),
    Attempt(
        "Start a daemon by two forks and a session of its own, then end",
        """
def daemon():
    os.setsid()
    child(lambda: (ignore_signals(), os.close(1), os.close(2), time.sleep(60)))
child(daemon)
time.sleep(0.2)
held("whether the daemon lives on is seen on the host")
""",
    ),
    Attempt(
        "Leave a daemon that holds the output open",
        """
child(lambda: (os.setsid(), time.sleep(60)))
held("the command ends all the same")
""",
    ),
    Attempt(
        "Ignore every signal and run on past the time limit",
        """
ignore_signals()
os.setsid() if os.getpgrp() != os.getpid() else None
time.sleep(60)
escaped("ran on")
""",
        seconds=0.6,
        may_time_out=True,
    ),
    Attempt(
        "Kill the jail's own init, and everybody else",
        """
for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGSTOP):
    with contextlib.suppress(OSError):
        os.kill(1, number)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with contextlib.suppress(OSError):
    os.kill(-1, signal.SIGTERM)
child(lambda: time.sleep(60))
held("still here, as is everything outside")
""",
    ),
    Attempt(
        "Stop the jail's init and itself, so that nothing moves any more",
        """
with contextlib.suppress(OSError):
    os.kill(1, signal.SIGSTOP)
os.kill(0, signal.SIGSTOP)
""",
        seconds=0.6,
        may_time_out=True,
    ),
    Attempt(
        "Send signals to processes of the host by their numbers",
        """
for pid in (HOST["service"], HOST["pid"], HOST["service"] - 1):
    if pid < 20:
        continue
    with trying(f"sent a signal to {pid} of the host"):
        os.kill(pid, 0)
""",
    ),
    Attempt(
        "Fork and end without pause, so that no list of processes is ever whole",
        """
def hop():
    os.setsid()
    ignore_signals()
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if os.fork():
                os._exit(0)  # the child goes on under another number
for _ in range(3):
    child(hop)
held("whether one of them lives on is seen on the host")
time.sleep(60)
""",
        seconds=1,
        may_time_out=True,
    ),
)
