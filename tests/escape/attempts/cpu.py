"""Using more CPU time than the jail as a whole may have."""

from __future__ import annotations

from tests.escape.attempt import Attempt


def burner(name: str, program: str) -> Attempt:
    return Attempt(name, SPIN + program, seconds=60)


SPIN = """
def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
def total():
    # Everything this jail can see of itself; enough to know when the budget is passed.
    ticks = 0
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")
def watch(used, what):
    passed = False
    while (now := used()) < BUDGET["cpu"] * 1.25 + 2:
        if now > BUDGET["cpu"] and not passed:
            passed = True
            say("PASSED", "cpu")
        time.sleep(0.02)
    hold(f"{now:.1f} s of CPU time {what}")
"""

ATTEMPTS = (
    burner("Spin in one process", 'child(lambda: spin(1000))\nwatch(total, "in one process")'),
    burner(
        "Spin in many processes, each for less than the limit",
        'for _ in range(6):\n    child(lambda: spin(1000))\nwatch(total, "in six processes")',
    ),
    burner(
        "Spin in threads",
        """
import hashlib, threading
block = bytes(MIB)
def work():
    while True:
        hashlib.sha256(block).digest()  # without Python's lock
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
watch(total, "in threads")
""",
    ),
    burner(
        "Spin in children that are collected without being counted",
        """
import mmap, struct
shared = mmap.mmap(-1, 4096)
def parent(slot):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # then the kernel adds their time to nobody's
    spent = 0
    while True:
        child(lambda: spin(0.03))
        with contextlib.suppress(ChildProcessError):
            os.wait()
        spent += 0.03
        struct.pack_into("d", shared, slot * 8, spent)
for slot in range(3):
    child(lambda: parent(slot))
watch(lambda: sum(struct.unpack_from("3d", shared)), "in children that nobody counts")
""",
    ),
    burner(
        "Spin in a chain of children, each of which starts the next and ends",
        """
import mmap, struct
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
shared = mmap.mmap(-1, 4096)
def chain(slot):
    # Each child burns a little and is followed by the next; nobody waits for it.
    while True:
        before = time.process_time()
        spin(0.05)
        spent = struct.unpack_from("d", shared, slot * 8)[0] + 0.05
        struct.pack_into("d", shared, slot * 8, spent)
        with contextlib.suppress(OSError):
            if os.fork():
                os._exit(0)
for slot in range(3):
    child(lambda: chain(slot))
watch(lambda: sum(struct.unpack_from("3d", shared)), "in a chain of children")
""",
    ),
)
