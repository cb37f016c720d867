"""A process in the background: taking too much, living on, and the network that it shares with commands of its run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.warden import ring
from tests.escape.attempt import NEIGHBOUR_PORT, Attempt
from tests.escape.attempts import network

if TYPE_CHECKING:
    from tests.escape.stage import Stage


def printed_too_much(stage: Stage) -> str | None:
    """What is kept of the output has one size, whatever was printed."""
    folder = stage.folder / stage.run_id / "background"
    large = [path for path in folder.glob("*") if path.stat().st_size > ring.HEADER + ring.SIZE]
    return f"{large[0].name} has {large[0].stat().st_size} bytes" if large else None


CONNECT_TO_NEIGHBOUR = f"""
with trying("connected to the server of another run"):
    connect(socket.AF_INET, ("127.0.0.1", {NEIGHBOUR_PORT}))
with trying("connected to it by IPv6"):
    connect(socket.AF_INET6, ("::1", {NEIGHBOUR_PORT}))
"""
BESIDE = ("Connect to a server on the host's loopback", "Connect to abstract sockets", "Bring up an interface")

ATTEMPTS = (
    Attempt(
        "Live on in daemons that ignore every signal",
        """
def body():
    os.setsid()
    ignore_signals()
    child(lambda: time.sleep(600))
    time.sleep(600)
for _ in range(3):
    child(body)
ignore_signals()
held("whether they live on is seen on the host")
say("STAYS", "")
time.sleep(600)
""",
        where="background",
    ),
    Attempt(
        "Take memory in the background",
        """
grow("memory", 16 * MIB, lambda size: bytearray(b"x") * size, "bytes")
""",
        where="background",
    ),
    Attempt(
        "Fork in the background until nothing more can be forked",
        """
grow("processes", 1, lambda _: child(lambda: time.sleep(60)), "processes")
""",
        where="background",
    ),
    Attempt(
        "Print more in the background than is kept",
        """
held("whether it is all kept is seen on the host")
for _ in range(10):
    os.write(1, b"x" * 65_536)
os.write(1, b"\\n")
say("STAYS", "")
time.sleep(600)
""",
        after=printed_too_much,
        where="background",
    ),
    Attempt(
        "Find descriptors of the warden: its files, its socket, the service's process",
        """
seen = 0
for pid in filter(str.isdecimal, os.listdir("/proc")):
    with contextlib.suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(f"/proc/{pid}/fd/{number}")
                seen += 1
                if "pidfd" in target or "bg-" in target or "memfd" in target or "net:" in target:
                    escaped(f"{pid} holds {target}")
held(f"{seen} descriptors, none of them the warden's")
""",
        where="background",
    ),
    Attempt(
        "Reach the server of another run, in the background",
        network.CONNECT + CONNECT_TO_NEIGHBOUR,
        where="background",
        neighbour=True,
    ),
    Attempt(
        "Reach the server of another run, beside a background process",
        network.CONNECT + CONNECT_TO_NEIGHBOUR,
        where="beside",
        neighbour=True,
    ),
    *(
        replace(attempt, name=f"{attempt.name}, beside a background process", where="beside")
        for attempt in network.ATTEMPTS
        if attempt.name.startswith(BESIDE)
    ),
)
