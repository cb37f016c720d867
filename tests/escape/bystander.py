"""What stands on the host to be reached: a secret in every place from which one could leak, and open doors that count.

The secret is one random word. Where a command's output holds it, something got out, whatever the program thinks.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from tests.escape.eyes import workspace_folder
from tests.escape.inside import call
from tests.escape.traces import SYSV_KEY
from tests.proxy.servers import serving
from tools.web_server import ROOT

SESSION_KEYRING, USER_KEYRING = -3, -4
KEYCTL_UNLINK = 9
NAME = socket.gethostname().lower().replace("localhost", "localhost.localdomain")
"""Leads to a private address, where it leads anywhere."""
KEY_SECONDS = 900
SETTINGS = ("kernel/core_pattern", "kernel/hostname", "kernel/modprobe", "vm/overcommit_memory", "kernel/sysrq")


class Bystander:
    """Use as a context manager. ``reached``: the doors that somebody knocked at."""

    def __init__(self, folder: Path) -> None:
        self.secret = f"secret{secrets.token_hex(12)}"
        self.mark = f"escape-mark-{secrets.token_hex(6)}"
        self.folder = folder
        self.reached: list[str] = []
        self._stack = ExitStack()
        self._settings = _settings()

    def __enter__(self) -> Self:
        self.files = [*self._files()]
        self.tcp = self._door("a TCP port of the loopback", socket.AF_INET, ("127.0.0.1", 0))[1]
        self.udp = self._door("a UDP port of the loopback", socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM)[1]
        self.abstract = f"escape-{self.mark}"
        self._door("an abstract socket", socket.AF_UNIX, f"\0{self.abstract}")
        self.socket = str(self.folder / "door.sock")
        self._door("a socket in a folder", socket.AF_UNIX, self.socket)
        self._process()
        self._keys()
        self._origin = self._stack.enter_context(serving())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def allow(self) -> str:
        """What commands may reach: one server, and by its name this machine, whose address is a private one."""
        return f"{self._origin.host},{NAME}"

    def asked(self) -> list[str]:
        """What that server was asked."""
        return self._origin.heard

    def facts(self, folder: Path, run_id: str) -> dict[str, object]:
        """What the programs know as HOST: as much as an attacker who has read the manual and the source."""
        return {
            "run": run_id,
            "mark": self.mark,
            "folders": [str(folder), str(folder / run_id), str(workspace_folder(folder, run_id)), str(self.folder)],
            "files": self.files,
            "tcp": self.tcp,
            "allowed": self._origin.server_port,
            "name": NAME,
            "udp": self.udp,
            "abstract": self.abstract,
            "socket": self.socket,
            "pid": self.pid,
            "service": os.getpid(),
            "root": str(ROOT),
            "sysv": SYSV_KEY,
        }

    def marked(self) -> list[str]:
        """Paths outside of the jail that hold the mark."""
        folders = ["/", "/usr", "/usr/bin", "/usr/local", "/etc", "/opt", "/root", "/home", "/var", "/lib"]
        folders += ["/tmp", "/var/tmp", "/dev/shm", "/run", str(self.folder), str(self.folder.parent)]
        found = [f"{folder}/{self.mark}" for folder in folders if os.path.lexists(f"{folder}/{self.mark}")]
        for path in found:
            with suppress(OSError):
                os.unlink(path)
        return found

    def overwritten(self) -> str | None:
        """The file of the host that does not hold its secret any more, if there is one."""
        for path in self.files:
            if Path(path).read_text() != self.secret:
                Path(path).write_text(self.secret)
                return f"{path} has been overwritten"
        return None

    def changed_settings(self) -> list[str]:
        return [name for name, value in _settings().items() if value != self._settings[name]]

    def _files(self) -> list[str]:
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = [self.folder / ".env", self.folder / "run_other" / "file.txt"]
        for parent in ("/tmp", "/dev/shm", "/var/tmp"):
            paths.append(Path(tempfile.mkdtemp(prefix="escape-", dir=parent), "file.txt"))
            self._stack.callback(shutil.rmtree, paths[-1].parent)
        for path in paths:
            path.parent.mkdir(exist_ok=True)
            path.parent.chmod(0o755)
            path.write_text(self.secret)
            path.chmod(0o644)
        return [str(path) for path in paths]

    def _door(
        self, what: str, family: socket.AddressFamily, address: object, kind: socket.SocketKind = socket.SOCK_STREAM
    ) -> tuple[str, int]:
        door = self._stack.enter_context(socket.socket(family, kind))
        door.bind(address)  # type: ignore[arg-type]  # an address of this family
        if isinstance(address, str) and not address.startswith("\0"):
            os.chmod(address, stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO)
        if kind == socket.SOCK_STREAM:
            door.listen()
        threading.Thread(target=self._wait, args=(what, door), daemon=True).start()
        # A blocked accept outlives close(); shutdown wakes it.
        self._stack.callback(_shut, door)
        bound = door.getsockname()
        return bound if isinstance(bound, tuple) else ("", 0)

    def _wait(self, what: str, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                if door.type == socket.SOCK_DGRAM:
                    if door.recvfrom(64)[0]:
                        self.reached.append(what)
                    else:
                        return
                else:
                    connection, _ = door.accept()
                    self.reached.append(what)
                    connection.close()

    def _process(self) -> None:
        process = subprocess.Popen(["sleep", "1000"], env={"RUNWIRE_SECRET": self.secret, "PATH": os.defpath})
        self.pid = process.pid
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)

    def _keys(self) -> None:
        """A key in the session's keyring and one in the user's, as a login or a service manager leaves them."""
        for ring in (SESSION_KEYRING, USER_KEYRING):
            with suppress(OSError):  # no keyrings here: then nobody can read them
                text = self.secret.encode()
                key = call("add_key", b"user", f"escape:{self.mark}".encode(), text, len(text), ctypes.c_long(ring))
                self._stack.callback(_forget, key, ring)


def _forget(key: int, ring: int) -> None:
    with suppress(OSError):
        call("keyctl", KEYCTL_UNLINK, key, ctypes.c_long(ring))


def _shut(door: socket.socket) -> None:
    with suppress(OSError):
        door.shutdown(socket.SHUT_RDWR)


def _settings() -> dict[str, str]:
    found = {}
    for name in SETTINGS:
        with suppress(OSError):
            found[name] = Path("/proc/sys", name).read_text()
    return found
