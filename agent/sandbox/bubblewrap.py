"""A jail made by bubblewrap, kept by a warden (agent/warden)."""

from __future__ import annotations

import json
import marshal
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from agent import warden
from agent.messages import CommandResult, Killed, Traffic
from agent.sandbox import identity, jail, seccomp
from agent.sandbox.budgets import Budgets
from agent.sandbox.neighbours import shared_network
from agent.sandbox.network import Network
from agent.sandbox.process import OnOutput, follow, kill_group
from agent.sandbox.refused import CANNOT_EXECUTE
from agent.warden.orders import LENT

LAST_RESPECTS: Final = 3.0
"""Seconds that a warden has to end its jail and clean up; it takes milliseconds."""
SOURCES: Final = str(Path(warden.__file__).parents[2])
WARDEN: Final = (
    # -I, -S: nothing of the environment and of site-packages. Only the standard library and the warden's own modules.
    *(sys.executable, "-I", "-S", "-c"),
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from agent.warden.main import main; sys.exit(main(int(sys.argv[2]), int(sys.argv[3])))",
    SOURCES,
)


class BubblewrapSandbox:
    def __init__(
        self,
        root: Path,
        budgets: Budgets,
        network: Network | None = None,
        background: Path | None = None,
        packages: Path | None = None,
    ) -> None:
        """``background``: where background processes are noted (records.py), whose network commands share.
        ``packages``: the folder of those that are kept for all runs; None: none are, and there are no registries.
        """
        self.root = root
        self.budgets = budgets
        self.network = network or Network()
        self.packages = packages
        self._background = background

    def run(self, command: str, *, timeout: float, on_output: OnOutput, check: Callable[[], None]) -> CommandResult:
        try:
            with self.start(["sh", "-c", command], among=self._background) as jailed:
                most = self.budgets.output
                result = follow(jailed.process, timeout=timeout, max_output=most, on_output=on_output, check=check)
                if result.killed is None and (killed := jailed.killed()) is not None:
                    result = CommandResult(exit_code=None, killed=killed)
                result = result.model_copy(update={"traffic": jailed.traffic()})
                failure = None if result.killed else jailed.failure()
                why = failure and f"Not run to its end: {failure}"
        except (identity.NoIdentity, seccomp.Unavailable) as error:
            why = f"Not run: {error}"
        if why is not None:
            on_output("stderr", f"{why}.\n")
            return CommandResult(exit_code=CANNOT_EXECUTE)
        return result

    @contextmanager
    def start(
        self, command: Sequence[str], *, stdin: int = subprocess.DEVNULL, among: Path | None = None
    ) -> Iterator[Jailed]:
        """Run any command line in the jail; at the end of the block the jail has ended, whatever was left in it.

        ``stdin``: as for ``subprocess.Popen``; both outputs are pipes of bytes. ``among``: where background processes
        are noted whose network it shares.

        Raises ``identity.NoIdentity`` and ``seccomp.Unavailable``.
        """
        with ExitStack() as stack:
            ours, theirs = socket.socketpair()
            stack.callback(ours.close)
            with ExitStack() as handed:
                handed.callback(theirs.close)
                network = [] if among is None else shared_network(among, handed)
                process = start_warden(
                    self, command, control=theirs.fileno(), handed=handed, network=network, stdin=stdin
                )
            stack.callback(_end, process, ours)
            yield Jailed(process, ours)

    def orders(self, command: Sequence[str], handed: ExitStack) -> tuple[dict[str, Any], list[int]]:
        """The warden's orders, and the descriptors that bubblewrap needs."""
        uid = identity.claim(self.root)
        filter_fd = _data(seccomp.program(), handed)
        made_up = {path: _data(text.encode(), handed) for path, text in jail.MADE_UP.items()}
        lent = {}
        if uid is not None:
            lent["workspace"] = str(self.root)
        if (python := jail.foreign_python()) and lent:
            lent["python"] = python
        orders = {
            "argv": jail.argv(
                command,
                f"{LENT}/workspace" if lent else str(self.root),
                self.budgets,
                data=made_up,
                seccomp=filter_fd,
                python=f"{LENT}/python" if python and lent else python,
                environment=self.network.environment(),
            ),
            "uid": uid,
            "lent": lent,
            "workspace": str(self.root),
            "budgets": asdict(self.budgets),
            "proxy": self._proxy(uid),
            "direct": self.network.direct,
        }
        return orders, [filter_fd, *made_up.values()]

    def _proxy(self, uid: int | None) -> dict[str, object]:
        """What the proxy is told. With packages to keep it is nobody's but the cache's user."""
        orders = {"allow": self.network.allow, "most_bytes": self.network.most, "uid": uid, "origins": [], "cache": ""}
        if self.packages is None or not self.network.origins:
            return orders
        self.packages.mkdir(mode=0o700, exist_ok=True)
        return orders | {
            "uid": identity.claim(self.packages),
            "origins": self.network.origins,
            "cache": str(self.packages),
            "most_cached": self.network.most_cached,
        }


def start_warden(
    jail: BubblewrapSandbox,
    command: Sequence[str],
    *,
    control: int,
    handed: ExitStack,
    network: Sequence[int] = (),
    background: dict[str, Any] | None = None,
    stdin: int,
    outputs: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """``network``, ``background``: see agent/warden/orders.py. What is in ``handed`` may be closed afterwards."""
    orders, fds = jail.orders(command, handed)
    told = _data(marshal.dumps({**orders, "network": list(network), "background": background}), handed)
    files = [] if background is None else [background["output"], background["end"]]
    return subprocess.Popen(
        [*WARDEN, str(told), str(control)],
        env={},
        cwd="/",
        stdin=stdin,
        stdout=outputs,
        stderr=outputs,
        pass_fds=[*fds, told, control, *network, *files],
        start_new_session=True,
    )


class Jailed:
    """A command in a jail. ``process`` is its warden, whose input, outputs and exit code are the command's."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.process = process
        self._control = control
        self._answer: dict[str, object] | None = None

    def killed(self) -> Killed | None:
        """Which budget the jail has passed, once the process has ended."""
        answer = self._read()
        return Killed.model_validate(answer) if "budget" in answer else None

    def traffic(self) -> Traffic | None:
        """What went over the network; ends the command, if it still runs."""
        moved = self._read().get("network")
        return Traffic.model_validate(moved) if moved else None

    def failure(self) -> str | None:
        """Why there was no jail, once the process has ended."""
        answer = self._read()
        return str(answer["failed"]) if "failed" in answer else None

    def _read(self) -> dict[str, object]:
        if self._answer is None:
            text = b""
            with suppress(OSError):
                self._control.settimeout(LAST_RESPECTS)
                self._control.shutdown(socket.SHUT_WR)  # where its time is over the command still runs, and ends now
                while piece := self._control.recv(4096):
                    text += piece
            # Nothing came from a warden that was killed itself.
            self._answer = json.loads(text) if text else {"failed": "its warden was killed"}
        return self._answer


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    with suppress(OSError):
        control.shutdown(socket.SHUT_WR)
    for file in (process.stdin, process.stdout, process.stderr):
        if file is not None:
            with suppress(OSError):
                file.close()
    try:
        process.wait(LAST_RESPECTS)  # all that it started ends with it
    except subprocess.TimeoutExpired:
        kill_group(process)  # only now: the number of one that has ended may be another run's warden's


def _data(content: bytes, handed: ExitStack) -> int:
    """A descriptor to read ``content`` from, without a file on the disk."""
    fd = os.memfd_create("runwire")
    handed.callback(os.close, fd)
    with os.fdopen(fd, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
