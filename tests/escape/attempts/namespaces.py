"""Making or entering namespaces, and changing what is mounted.

FINDINGS A4: a nested user namespace gave full capabilities inside it, and with them an 8 GB tmpfs.
"""

from __future__ import annotations

from tests.escape.attempt import Attempt

ATTEMPTS = (
    Attempt(
        "Make a user namespace and have all capabilities in it, by unshare",
        """
with trying("unshared a user namespace"):
    call("unshare", 0x10000000)
""",
    ),
    Attempt(
        "Make a user namespace by the old clone",
        """
def clone():
    pid = call("clone", 0x10000000 | signal.SIGCHLD, None, None, None, None)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
with trying("cloned into a user namespace"):
    clone()
""",
    ),
    Attempt(
        "Make a user namespace by clone3, whose flags a filter cannot see",
        """
arguments = (ctypes.c_ulonglong * 11)(0x10000000, 0, 0, 0, signal.SIGCHLD)
def clone():
    pid = call("clone3", ctypes.byref(arguments), 88)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
with trying("cloned into a user namespace"):
    clone()
""",
    ),
    Attempt(
        "Make every other kind of namespace",
        """
kinds = {"mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000}
kinds |= {"pid": 0x20000000, "net": 0x40000000, "time": 0x80}
for name, flag in kinds.items():
    with trying(f"unshared a {name} namespace"):
        call("unshare", flag)
""",
    ),
    Attempt(
        "Enter the namespaces of other processes",
        """
for name in ("user", "mnt", "net", "pid", "ipc", "uts", "cgroup"):
    try:
        number = os.open(f"/proc/1/ns/{name}", os.O_RDONLY)
    except OSError as error:
        held(f"{errno.errorcode[error.errno]} on opening the {name} namespace of process 1")
        continue
    try:
        call("setns", number, 0)
    except OSError as error:
        # EINVAL for its own user namespace comes from the kernel, not from the filter
        (escaped if error.errno == errno.EINVAL else held)(f"{errno.errorcode[error.errno]} on entering {name}")
    else:
        escaped(f"entered the {name} namespace of process 1")
""",
    ),
    Attempt(
        "Mount a tmpfs of 8 GB in a nested user namespace, and write to it",
        """
with trying("mounted a tmpfs of 8 GB"):
    call("unshare", 0x10000000 | 0x20000)
    os.makedirs("/tmp/big", exist_ok=True)
    call("mount", b"none", b"/tmp/big", b"tmpfs", 0, b"size=8g")
""",
    ),
    Attempt(
        "Mount proc, sysfs, tmpfs, overlay and the disk",
        """
os.makedirs("/tmp/m", exist_ok=True)
for kind in ("proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup2", "overlay", "debugfs", "ext4"):
    with trying(f"mounted {kind}"):
        call("mount", b"none", b"/tmp/m", kind.encode(), 0, None)
""",
    ),
    Attempt(
        "Make the system's folders writable by mounting them anew",
        """
for path in (b"/", b"/usr", b"/proc", b"/proc/sys", b"/dev", b"/workspace"):
    with trying(f"mounted {path.decode()} anew"):
        call("mount", None, path, None, 0x20 | 0x1000, None)  # MS_REMOUNT | MS_BIND
    with trying(f"changed the attributes of the mount {path.decode()}"):
        call("mount_setattr", -100, path, 0, ctypes.byref((ctypes.c_ulonglong * 4)(0, 1)), 32)
""",
    ),
    Attempt(
        "Unmount what hides the host: /proc, /tmp, /dev, /workspace",
        """
for path in (b"/proc", b"/tmp", b"/dev/shm", b"/dev", b"/workspace", b"/proc/sys"):
    with trying(f"unmounted {path.decode()}"):
        call("umount2", path, 2)
""",
    ),
    Attempt(
        "Use the newer calls for mounting, which have no flags to look at",
        """
move = ("move_mount", -100, b"/usr", -100, b"/tmp", 0)
for name, *args in (("fsopen", b"tmpfs", 0), ("open_tree", -100, b"/usr", 1), move):
    with trying(f"called {name}"):
        call(name, *args)
""",
    ),
    Attempt(
        "Put another root in the place of this one",
        """
os.makedirs("/tmp/new/old", exist_ok=True)
with trying("called pivot_root"):
    call("pivot_root", b"/tmp/new", b"/tmp/new/old")
with trying("called pivot_root on the root itself"):
    call("pivot_root", b".", b".")
""",
    ),
    Attempt(
        "Use the system's programs for all this: unshare, nsenter, mount, bwrap",
        """
import shutil, subprocess
commands = (["unshare", "-Ur", "true"], ["nsenter", "-t", "1", "-m", "true"], ["mount", "-t", "tmpfs", "none", "/tmp"],
            ["bwrap", "--dev-bind", "/", "/", "true"], ["setpriv", "--reuid", "0", "true"], ["chroot", "/usr", "true"])
tried = 0
for command in commands:
    if shutil.which(command[0]):
        tried += 1
        done = subprocess.run(command, capture_output=True, text=True, timeout=5)
        if done.returncode == 0 and not (command[0] == "setpriv" and os.getuid() == 0):
            escaped(f"{' '.join(command)} worked")
held(f"{tried} of {len(commands)} are here, none worked")
""",
    ),
)
