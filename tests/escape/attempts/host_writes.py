"""Changing the host: its kernel's settings, its files, its devices. Nothing here does harm where it succeeds.

FINDINGS A1: as root, a jail without a real uid of its own could write host-wide files below /proc/sys.
"""

from __future__ import annotations

import stat

from tests.escape.attempt import Attempt
from tests.escape.stage import Stage


def marked_files(stage: Stage) -> str | None:
    found = stage.host.marked()
    return f"made {found[0]} on the host" if found else None


def special_files(stage: Stage) -> str | None:
    """A file that acts with its owner's power, or is a device, must not exist on the host, whoever could reach it."""
    for path, mode, owner in stage.files():
        if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
            return f"the device {path.name} is on the host"
        if not stat.S_ISDIR(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            return f"{path.name} is on the host with mode {stat.S_IMODE(mode):o}, owned by uid {owner}"
    return None


def changed_settings(stage: Stage) -> str | None:
    changed = stage.host.changed_settings()
    return f"{changed[0]} has changed on the host" if changed else None


ATTEMPTS = (
    Attempt(
        "Write the kernel's core_pattern, with what it already holds",
        """
path = "/proc/sys/kernel/core_pattern"
with trying("wrote core_pattern"):
    now = open(path, "rb").read()
    with open(path, "wb", buffering=0) as file:
        file.write(now)
""",
    ),
    Attempt(
        "Open any file below /proc/sys for writing",
        """
opened = []
for folder, _, names in os.walk("/proc/sys"):
    for name in names:
        path = os.path.join(folder, name)
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_WRONLY))
            opened.append(path)
if opened:
    escaped(f"{len(opened)} files open for writing, such as {opened[0]}")
held("no file below /proc/sys opens for writing")
""",
        after=changed_settings,
    ),
    Attempt(
        "Open any other file of /proc that belongs to no process for writing",
        """
opened = []
for folder, folders, names in os.walk("/proc"):
    if folder == "/proc":
        folders[:] = [name for name in folders if not name.isdecimal() and name not in ("self", "thread-self", "sys")]
    for name in names:
        path = os.path.join(folder, name)
        if name not in ("kmsg", "kcore") and not os.path.islink(path):
            with contextlib.suppress(OSError):
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                opened.append(path)
if opened:
    escaped(f"{len(opened)} files open for writing, such as {opened[0]}")
held("no such file of /proc opens for writing")
""",
    ),
    Attempt(
        "Open the sysrq trigger",
        """
with trying("opened /proc/sysrq-trigger for writing"):
    os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY))
""",
    ),
    Attempt(
        "Write below /sys: uevent_helper, cgroups, power states",
        """
for path in ("/sys/kernel/uevent_helper", "/sys/fs/cgroup/cgroup.procs", "/sys/power/state", "/sys/kernel/mm/ksm/run"):
    with trying(f"opened {path} for writing"):
        os.close(os.open(path, os.O_WRONLY))
""",
    ),
    Attempt(
        "Ask the kernel to spare this process when memory is short",
        """
with trying("lowered oom_score_adj"):
    now = int(open("/proc/self/oom_score_adj").read())
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(now - 1))
""",
    ),
    Attempt(
        "Make a file in every folder of the host that is usually there",
        """
home = ("/", "/root", "/home", "/opt", "/var", "/var/tmp", "/run")
for folder in (*home, "/usr", "/usr/bin", "/usr/local", "/etc", "/lib"):
    with trying(f"made a file in {folder}"):
        open(f"{folder}/{HOST['mark']}", "w").close()
for folder in ("/tmp", "/dev/shm"):  # the jail has its own
    with contextlib.suppress(OSError):
        open(f"{folder}/{HOST['mark']}", "w").close()
""",
        after=marked_files,
    ),
    Attempt(
        "Make a file through /proc/1/root, /proc/1/cwd and /proc/self/root",
        """
for way in ("/proc/1/root", "/proc/1/cwd", "/proc/self/root"):
    for folder in ("etc", "usr", "var/tmp", "../../../../var/tmp"):
        with trying(f"made a file in {way}/{folder}"):
            open(f"{way}/{folder}/{HOST['mark']}", "w").close()
""",
        after=marked_files,
    ),
    Attempt(
        "Make a file in the sandbox folder above the workspace",
        """
with contextlib.suppress(OSError):
    open(f"../{HOST['mark']}", "w").close()
for folder in HOST["folders"]:
    with trying(f"made a file in {folder}"):
        open(f"{folder}/{HOST['mark']}", "w").close()
""",
        after=marked_files,
    ),
    Attempt(
        "Change the mode and the times of a program of the system",
        """
program = os.path.realpath("/bin/sh")
with trying("changed its mode"):
    os.chmod(program, 0o755)
with trying("changed its times"):
    os.utime(program)
with trying("opened it for writing"):
    os.close(os.open(program, os.O_WRONLY))
""",
    ),
    Attempt(
        "Make device files, and read the disk through one",
        """
import stat
devices = (("disk", stat.S_IFBLK, 254, 0), ("mem", stat.S_IFCHR, 1, 1), ("null", stat.S_IFCHR, 1, 3))
# Nobody needs a privilege for the device 0, 0, which overlays use for "deleted".
for name, kind, major, minor in (*devices, ("whiteout", stat.S_IFCHR, 0, 0)):
    with trying(f"made the device {name}"):
        os.mknod(name, kind | 0o666, os.makedev(major, minor))
open("moved", "w").close()
LIBC.renameat2(-100, b"moved", -100, b"moved-away", 4)  # RENAME_WHITEOUT leaves such a device; it is seen on the host
""",
        after=special_files,
    ),
    Attempt(
        "Open the devices that give the machine away",
        """
names = "mem kmem port kmsg kvm fuse net/tun vda sda nvme0n1 loop-control mapper/control vsock vhost-vsock"
for name in f"{names} uinput userfaultfd rtc0 snapshot cuse autofs".split():
    with trying(f"opened /dev/{name}"):
        os.close(os.open(f"/dev/{name}", os.O_RDONLY | os.O_NONBLOCK))
""",
    ),
    Attempt(
        "Leave a program that is setuid and setgid in the workspace",
        """
import shutil
shutil.copy(os.path.realpath("/bin/sh"), "shell")
os.chmod("shell", 0o755)
for mode in (0o4755, 0o2755, 0o6777):
    try:
        os.chmod("shell", mode)
    except OSError as error:
        held(f"{errno.errorcode[error.errno]} on chmod {mode:o}")
held("whether the bits reach the host is seen there")
""",
        after=special_files,
    ),
    Attempt(
        "Leave a setuid file by way of open, mknod, fchmod and fchmodat2",
        """
import stat
for make in (
    lambda: os.close(os.open("by-open", os.O_CREAT | os.O_WRONLY, 0o4777)),
    lambda: os.mknod("by-mknod", stat.S_IFREG | 0o4777),
    lambda: os.fchmod(os.open("by-fchmod", os.O_CREAT | os.O_WRONLY, 0o777), 0o4777),
    lambda: (open("by-fchmodat2", "w").close(), call("fchmodat2", -100, b"by-fchmodat2", 0o4777, 0)),
    lambda: os.mkdir("folder", 0o7777),
):
    with contextlib.suppress(OSError):
        make()
held("whether the bits reach the host is seen there")
""",
        after=special_files,
    ),
    Attempt(
        "Give a file capabilities, and attributes that only root may set",
        """
open("program", "w").close()
# VFS_CAP_REVISION_2 with all permitted and effective
value = bytes.fromhex("01000002" + "ffffffff" * 2 + "ffffffff" * 2)
with trying("gave a file capabilities"):
    os.setxattr("program", "security.capability", value)
with trying("set an attribute of the trusted kind"):
    os.setxattr("program", "trusted.overlay.opaque", b"y")
""",
    ),
    Attempt(
        "Give a file to root",
        """
open("gift", "w").close()
with trying("made a file of another user"):
    uid = os.getuid()
    os.chown("gift", 0 if uid else 1, 0 if uid else 1)
""",
    ),
    Attempt(
        "Make a file that nobody can remove again",
        """
import fcntl, struct
file = open("immutable", "w")
with trying("made a file immutable"):
    fcntl.ioctl(file, 0x40086602, struct.pack("l", 0x10))  # FS_IOC_SETFLAGS, FS_IMMUTABLE_FL
""",
    ),
    Attempt(
        "Write to whatever descriptors were inherited",
        """
for pid in ("self", "1"):
    try:
        numbers = [int(name) for name in os.listdir(f"/proc/{pid}/fd")]
    except OSError as error:
        held(f"{errno.errorcode[error.errno]} on listing the descriptors of {pid}")
        continue
    for number in sorted(numbers):
        if pid == "self" and number <= 2:
            continue
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/{pid}/fd/{number}")
            if target.startswith(f"/proc/{os.getpid()}/") or (pid == "1" and number <= 2):
                continue
            if pid == "1":
                os.close(os.open(f"/proc/1/fd/{number}", os.O_WRONLY | os.O_NONBLOCK))
            escaped(f"descriptor {number} of {pid} is open: {target}")
held("no descriptor beside the three")
""",
    ),
    Attempt(
        "Read from the keyboard and type into the terminal of whoever started the service",
        """
import fcntl
with trying("opened the controlling terminal"):
    os.close(os.open("/dev/tty", os.O_RDWR))
for number in range(3):
    with trying(f"typed into descriptor {number}"):
        fcntl.ioctl(number, 0x5412, b"x")  # TIOCSTI
""",
    ),
    Attempt(
        "Have the host's collector of crash dumps started, which is root's, by crashing",
        """
import resource
# Where core_pattern is a pipe, the kernel starts its program at a limit of 0, too; only a limit of 1 byte keeps it off.
with trying("set the limit of core dumps to 0"):
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except ValueError as error:
        raise PermissionError(errno.EPERM, str(error))
with trying("set it for another process"):
    try:
        resource.prlimit(1, resource.RLIMIT_CORE, (0, 0))
    except ValueError as error:
        raise PermissionError(errno.EPERM, str(error))
is_pipe = open("/proc/sys/kernel/core_pattern").read().startswith("|")
if is_pipe and resource.getrlimit(resource.RLIMIT_CORE) != (1, 1):
    escaped(f"the limit of core dumps is {resource.getrlimit(resource.RLIMIT_CORE)}")
""",
    ),
    Attempt(
        "Change the host's name and clock",
        """
with contextlib.suppress(OSError):
    call("sethostname", b"pwned", 5)  # its own name, where it is allowed at all
held("whether the host has a new name is seen there")
with trying("set the clock, to what it already shows"):
    time.clock_settime(time.CLOCK_REALTIME, time.time())
""",
        after=changed_settings,
    ),
)
