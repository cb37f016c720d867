"""A program, not a test: starts children as the web process does (see test_children.py), and prints what came of them.

Python calls what is registered here before a fork, which copies the process, and only then.
"""

# ruff: noqa: E402 - patching comes first
from gevent import monkey

monkey.patch_all()

import json
import os
import resource
import signal
import subprocess
import time
from contextlib import suppress

import gevent

from orchestrator.children import start_without_copying

start_without_copying()

FEW = 100
FOR_A_START = 6
"""Descriptors: two pipes for it, and one that tells whether it began."""

copies: list[int] = []
os.register_at_fork(before=lambda: copies.append(1))


def main() -> None:
    subprocess.run(["true"])  # gevent opens what it needs for children
    open_before = len(os.listdir("/proc/self/fd"))
    found = {
        "output": _run("echo out; echo err >&2; pwd; exit 3", cwd="/usr", start_new_session=True),
        "input": subprocess.run(["cat"], input=b"given", capture_output=True).stdout.decode(),
        "missing": _refused(["no-such-program"]),
        "missing folder": _refused(["true"], cwd="/no/such/folder"),
        "ended at once": [subprocess.Popen(["false"]).wait(20) for _ in range(20)],
        "killed": _killed(),
        "handed on": _handed_on(),
        "ticks meanwhile": _ticks_while("sleep 0.3"),
        "without descriptors": _without_descriptors(),
    }
    gevent.sleep(0.1)  # what gevent closes it closes then
    found["left open"] = len(os.listdir("/proc/self/fd")) - open_before
    print(json.dumps({**found, "copies": len(copies)}))


def _run(command: str, **options: object) -> list[object]:
    done = subprocess.run(["sh", "-c", command], capture_output=True, env={"PATH": os.defpath}, **options)  # type: ignore[call-overload]
    return [done.stdout.decode(), done.stderr.decode(), done.returncode]


def _refused(argv: list[str], cwd: str | None = None) -> str:
    try:
        subprocess.Popen(argv, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except OSError as error:
        return f"{type(error).__name__} {error.filename}"
    return "started"


def _killed() -> int:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    os.killpg(process.pid, signal.SIGKILL)
    return process.wait(20)


def _handed_on() -> list[bool]:
    """Whether the child has a descriptor of ours that it is given, and whether it has another one."""
    given, other = (os.open(__file__, os.O_RDONLY) for _ in range(2))
    os.set_inheritable(other, True)
    looks = [subprocess.run(["test", "-e", f"/dev/fd/{fd}"], pass_fds=[given]).returncode == 0 for fd in (given, other)]
    os.close(given)
    os.close(other)
    return looks


def _without_descriptors() -> list[str]:
    """What comes of starts for which there are none left, or only some; as few must be left after them as before."""
    came_of_it = set()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, before[1]))
    for left in range(FOR_A_START):
        gevent.sleep(0.01)  # what gevent closes it closes then
        held = []
        with suppress(OSError):
            while True:
                held.append(os.dup(0))
        for fd in held[len(held) - left :]:
            os.close(fd)
        gevent.sleep(0.01)
        came_of_it.add(_refused(["true"]))
        for fd in held[: len(held) - left]:
            os.close(fd)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    return sorted(came_of_it)


def _ticks_while(command: str) -> bool:
    """Whether others go on while a child runs."""
    ticked: list[float] = []

    def tick() -> None:
        while True:
            ticked.append(time.monotonic())
            gevent.sleep(0.01)

    ticking = gevent.spawn(tick)
    subprocess.run(["sh", "-c", command])
    ticking.kill()
    return len(ticked) > 1


if __name__ == "__main__":
    main()
