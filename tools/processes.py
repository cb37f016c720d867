"""Child processes that never outlive their parent, ports nobody else uses, and waiting for things."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Below Linux's range for outgoing connections (32768 and up). A port inside that range can be taken by any client while
# a server restarts, and a client that reconnects to it in a loop may even connect to itself.
PORTS = range(20_000, 30_000)
POLL_SECONDS = 0.02
KILL_WAIT_SECONDS = 5.0


class StartError(Exception):
    """A program did not start; the message tells a person what to do about it."""


def bound_to_parent(command: list[str]) -> list[str]:
    """Return `command` so that the kernel kills it when the thread that starts it ends, however that happens.

    `setpriv` sets PR_SET_PDEATHSIG and then becomes the command. Doing the same in `preexec_fn` would run Python
    between fork and exec, which can deadlock in a program with threads. Where there is no `setpriv` (not Linux), the
    command is returned as it is. Mind the word thread: start long-lived programs from one that lives as long.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else command


def free_port() -> int:
    """A loopback port that nobody listens on."""
    for port in random.sample(PORTS, k=100):
        if port_is_free(port):
            return port
    raise StartError(f"no free port found between {PORTS.start} and {PORTS.stop}")


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections that are merely being forgotten (TIME_WAIT) do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def wait_until(condition: Callable[[], T], seconds: float, what: str) -> T:
    """Poll `condition` until it is true and return its value; TimeoutError names `what` was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(POLL_SECONDS)


def stop(process: subprocess.Popen[bytes], grace: float) -> int:
    """Ask `process` to end, insist after `grace` seconds, and return its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)  # a stopped process would not see the SIGTERM
        process.terminate()
        try:
            return process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait(KILL_WAIT_SECONDS)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the process group that `process` leads (it was started with `start_new_session`)."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait(KILL_WAIT_SECONDS)
