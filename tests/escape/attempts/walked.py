"""What a command leaves for the host to walk into: links, pipes, depths, swaps, while it runs and afterwards.

FINDINGS A3 and A6: the host itself opened and read all that a command had left; 25,000 sparse files silenced a worker
for 62 s, a 1,500-deep folder raised RecursionError, `chmod 000` gave an empty snapshot.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.escape import eyes
from tests.escape.attempt import Attempt
from tests.escape.attempts.host_writes import marked_files
from tests.escape.stage import Stage

PATIENCE = 20.0
"""Seconds: a look has 15 s of its own whatever is in the workspace; one that takes longer was held by what it found."""
Eye = Callable[[Stage], str | None]


def looks(*paths: str, expect: str | None = None) -> Eye:
    """Look at everything and read `paths`: nothing of the host may come back, nothing may hang or raise."""

    def look(stage: Stage) -> str | None:
        started = time.monotonic()
        try:
            found = eyes.look(stage.sandbox)
            contents = [content for path in paths if (content := eyes.read(stage.sandbox, path))]
        except Exception as error:
            return f"looking at the workspace raised {type(error).__name__}: {error}"
        took = time.monotonic() - started
        kept = [entry.content for entry in found.entries.values() if entry is not None]
        if any(stage.host.secret.encode() in content for content in (*kept, *contents)):
            return "the host read its own secret out of the workspace"
        names = [*found.entries, *(left.path for left in found.left_out)]
        if bad := [path for path in names if not path.isprintable()]:
            return f"a name reached the host as it was: {bad[0]!r}"
        if expect is not None and expect not in found.entries:
            return f"the host did not see {expect!r}, though it is there"
        return f"a look took {took:.1f} s" if took > PATIENCE else None

    return look


def writes(*paths: str) -> Eye:
    """Write to `paths`: nothing may come to lie outside of the workspace."""

    def write(stage: Stage) -> str | None:
        for path in paths:
            eyes.write(stage.sandbox, path.format(mark=stage.host.mark), b"written")
        return marked_files(stage) or stage.host.overwritten()

    return write


def taken_over(stage: Stage) -> str | None:
    if any(path.name == "taken-over" for path, _, _ in stage.files()):
        return "the Python that reads the workspace ran code out of it"
    return None


ATTEMPTS = (
    Attempt(
        "Leave symbolic links to secrets of the host",
        """
for number, path in enumerate([*HOST["files"], "/etc/shadow", f"/proc/{HOST['service']}/environ"]):
    os.symlink(path, f"link-{number}")
    os.symlink(os.path.dirname(path), f"folder-{number}")
os.symlink("link-0", "link-to-link")
held("what the host reads through them is seen there")
""",
        after=looks("link-0", "link-1", "link-2", "link-5", "link-to-link", "folder-0/.env", "folder-2/file.txt"),
    ),
    Attempt(
        "Leave links through which the host would write outside",
        """
os.symlink(HOST["folders"][-1], "folder")
os.makedirs("deep/er")
os.symlink(HOST["folders"][-1], "deep/er/folder")
os.symlink(f"{HOST['folders'][-1]}/{HOST['mark']}", "file")
os.symlink(HOST["files"][0], "secret")
held("where the host writes is seen there")
""",
        after=writes("folder/{mark}", "deep/er/folder/{mark}", "file", "secret"),
    ),
    Attempt(
        "Leave pipes, sockets and links to devices under the names of files",
        """
import socket
os.mkfifo("index.html")
socket.socket(socket.AF_UNIX).bind("app.js")
for name in ("zero", "random", "full", "tty"):
    os.symlink(f"/dev/{name}", f"{name}.txt")
os.symlink("/proc/self/mem", "mem.txt")
os.symlink("loop.txt", "loop.txt")
open("real.txt", "w").write("real")
held("whether the host hangs on them is seen there")
""",
        after=looks("index.html", "app.js", "zero.txt", "tty.txt", "mem.txt", "loop.txt", expect="real.txt"),
    ),
    Attempt(
        "Leave folders 1,500 deep",
        """
open("real.txt", "w").write("real")
for _ in range(1500):
    os.mkdir("d")
    os.chdir("d")
open("x", "w").close()
held("whether the host falls over it is seen there")
""",
        after=looks("/".join("d" * 600) + "/x", expect="real.txt"),
    ),
    Attempt(
        "Close the workspace and its files to everybody",
        """
open("real.txt", "w").write("real")
os.mkdir("folder")
open("folder/inner.txt", "w").write("real")
os.chmod("folder/inner.txt", 0)
os.chmod("folder", 0)
os.chmod(".", 0)
held("what the host still sees is seen there")
""",
        after=looks("folder/inner.txt", expect="real.txt"),
    ),
    Attempt(
        "Leave names that are no text and names that write on a terminal",
        """
names = (b"\\xff\\xfe.txt", b"new\\nline.txt", b"\\x1b[2J.txt", b"\\xe2\\x80\\xaetxt.exe", b"\\xc2\\x9b31m.txt")
for name in (*names, b"real.txt"):
    with open(name, "w") as file:
        file.write("x")
held("which names the host takes is seen there")
""",
        after=looks(expect="real.txt"),
    ),
    Attempt(
        "Leave thousands of sparse files, each of the largest size that is kept",
        """
open("aaa.txt", "w").write("real")
for number in range(min(25_000, BUDGET["entries"] - 500)):
    with open(f"sparse-{number}", "w") as file:
        file.truncate(1_000_000)
held("how long the host looks at them is seen there")
""",
        after=looks("sparse-1", expect="aaa.txt"),
        seconds=20,
    ),
    Attempt(
        "Leave thousands of hard links to one file",
        """
open("aaa.txt", "w").write("real")
open("one", "wb").write(b"x" * 1000)
for number in range(BUDGET["entries"] - 500):
    os.link("one", f"link-{number}")
held("how long the host looks at them is seen there")
""",
        after=looks(expect="aaa.txt"),
        seconds=20,
    ),
    Attempt(
        "Leave one sparse file of as much as a file may have",
        """
open("real.txt", "w").write("real")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for size in (10 * 1024 * MIB, 1024 * MIB, 60 * MIB):
    with contextlib.suppress(OSError), open("sparse", "wb") as file:
        file.truncate(size)
        break
held(f"{os.stat('sparse').st_size} bytes; how long the host looks at them is seen there")
""",
        after=looks("sparse", expect="real.txt"),
    ),
    Attempt(
        "Put modules in the way of the Python that reads the workspace",
        """
import site
code = "import os\\nopen('/workspace/taken-over', 'w').close()\\n"
user_site = f"/workspace/.local/lib/python3.{sys.version_info.minor}/site-packages"
os.makedirs(user_site, exist_ok=True)
names = "sitecustomize usercustomize os json struct stat hashlib base64 agent encodings pathlib typing".split()
for name in names:
    for folder in ("/workspace", user_site, "/tmp"):
        open(f"{folder}/{name}.py", "w").write(code)
open(f"{user_site}/first.pth", "w").write("import os; open('/workspace/taken-over', 'w').close()\\n")
open("pyvenv.cfg", "w").write("home = /workspace\\n")
open("real.txt", "w").write("real")
held("whether its Python takes them is seen on the host")
""",
        after=lambda stage: looks(expect="real.txt")(stage) or taken_over(stage),
    ),
    Attempt(
        "Swap a file for a link to a secret while the host reads it",
        """
secret = HOST["files"][0]
end = time.monotonic() + 1
while time.monotonic() < end:
    with open("new", "w") as file:
        file.write("mine")
    os.rename("new", "file.txt")
    os.symlink(secret, "new")
    os.rename("new", "file.txt")
held("what the host read meanwhile is seen there")
""",
        meanwhile=looks("file.txt"),
        after=looks("file.txt"),
    ),
    Attempt(
        "Swap a folder for a link to a folder of the host while the host reads and writes in it",
        """
outside = os.path.dirname(HOST["files"][0])
os.mkdir("real")
open("real/.env", "w").write("mine")
end = time.monotonic() + 1
while time.monotonic() < end:
    with contextlib.suppress(OSError):
        os.rename("real", "folder")
        os.rename("folder", "real")
        os.symlink(outside, "folder")
        os.unlink("folder")
held("what the host did meanwhile is seen there")
""",
        meanwhile=lambda stage: looks("folder/.env")(stage) or writes("folder/{mark}", "folder/.env")(stage),
        after=looks("folder/.env"),
    ),
    Attempt(
        "Hold leases and locks on files that the host opens",
        """
import fcntl
open("real.txt", "w").write("real")
number = os.open("real.txt", os.O_RDWR)
signal.signal(signal.SIGIO, signal.SIG_IGN)
with contextlib.suppress(OSError):
    fcntl.fcntl(number, 1024, fcntl.F_WRLCK)  # F_SETLEASE: who opens the file has to wait for us
fcntl.lockf(number, fcntl.LOCK_EX)
fcntl.flock(os.open(".", os.O_RDONLY), fcntl.LOCK_EX)
time.sleep(1)
held("whether the host waits for it is seen there")
""",
        meanwhile=looks("real.txt"),
        after=looks("real.txt", expect="real.txt"),
    ),
    Attempt(
        "Make a file longer and longer while the host reads it",
        """
end = time.monotonic() + 1
with open("file.txt", "wb", buffering=0) as file:
    while time.monotonic() < end:
        file.write(b"x" * 4096)
        if file.tell() > 4 * MIB:
            file.seek(0)
            file.truncate()
held("whether the host reads for ever is seen there")
""",
        meanwhile=looks("file.txt"),
    ),
    Attempt(
        "Change folders without end while the host walks them",
        """
end = time.monotonic() + 1
number = 0
while time.monotonic() < end:
    number += 1
    os.makedirs(f"a{number % 7}/b{number % 5}", exist_ok=True)
    open(f"a{number % 7}/b{number % 5}/x{number % 50}", "w").close()
    with contextlib.suppress(OSError):
        os.rename(f"a{number % 7}", f"a{(number + 1) % 7}/moved")
held("whether the host falls over it is seen there")
""",
        meanwhile=looks(),
        after=looks(),
    ),
)
