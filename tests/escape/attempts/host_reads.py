"""Reading what is not the jail's: secrets of the service, files of the host and of other runs, the kernel's memory.

FINDINGS A4: the service's session keyring was readable, and all of /usr was visible, /usr/src included.
"""

from __future__ import annotations

from tests.escape.attempt import Attempt

ATTEMPTS = (
    Attempt(
        "Read the files of the host that hold passwords and keys",
        """
files = ("/etc/shadow", "/etc/hostname", "/etc/machine-id", "/etc/resolv.conf", "/root/.bashrc")
for path in (*files, "/root", "/home", "/var/log", "/var/lib", "/run", "/boot", "/etc/ssl/private"):
    with trying(f"looked at {path}"):
        os.listdir(path) if os.path.isdir(path) else open(path).read()
for path in ("/etc/passwd", "/etc/group"):  # the jail may have made up its own
    with contextlib.suppress(OSError):
        if "root:" in open(path).read():
            escaped(f"{path} is the host's")
""",
    ),
    Attempt(
        "Read secrets in /tmp, /var/tmp and /dev/shm of the host, its .env, and another run's workspace",
        """
for path in HOST["files"]:
    with trying(f"read {path}"):
        print(open(path).read(), flush=True)
""",
    ),
    Attempt(
        "Reach the same files through /proc/1/root and /proc/1/cwd",
        """
for path in HOST["files"]:
    for way in ("/proc/1/root", "/proc/1/cwd/../../../../..", "/proc/self/cwd/../../../../.."):
        with trying(f"read {way}{path}"):
            print(open(way + path).read(), flush=True)
""",
    ),
    Attempt(
        "Read the service's own source and environment file",
        """
for path in ("", ".env", "agent/loop.py", ".git/HEAD", ".venv/bin/python"):
    path = os.path.join(HOST["root"], path)
    with trying(f"looked at {path}"):
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
""",
    ),
    Attempt(
        "List the sandbox folder, and learn where on the host the workspace lies",
        """
for folder in HOST["folders"]:
    with trying(f"listed {folder}"):
        os.listdir(folder)
here = [folder for folder in HOST["folders"] if folder in open("/proc/self/mountinfo").read()]
if here:
    held("mountinfo names the workspace's folder on the host, which nothing in here can open")
""",
    ),
    Attempt(
        "Read the environment of every process in sight",
        """
for pid in filter(str.isdecimal, os.listdir("/proc")):
    with contextlib.suppress(OSError):
        print(open(f"/proc/{pid}/environ", "rb").read(), flush=True)
held("no environment holds the secret")
""",
    ),
    Attempt(
        "Find a process of the host: by its number, or by more than a handful in /proc",
        """
import resource
known = {os.getpid(), os.getppid(), 1}
for pid in (HOST["pid"], HOST["service"]):
    with trying(f"saw the process {pid} of the host"):
        text = open(f"/proc/{pid}/cmdline").read()
        if pid < 20:
            raise FileNotFoundError(errno.ENOENT, "the number is one of our own")
names = [open(f"/proc/{pid}/comm").read().strip() for pid in filter(str.isdecimal, os.listdir("/proc"))]
if len(names) > 8:
    escaped(f"{len(names)} processes are visible: {names}")
""",
    ),
    Attempt(
        "Read the memory, the maps and the descriptors of process 1",
        """
for name in ("mem", "maps", "environ", "auxv", "stack", "syscall"):
    try:
        data = open(f"/proc/1/{name}", "rb").read(64) if name != "mem" else b""
        held(f"/proc/1/{name} opens: {len(data)} bytes of a process of this jail")
    except OSError as error:
        held(f"{errno.errorcode[error.errno]} on /proc/1/{name}")
""",
    ),
    Attempt(
        "Write the memory of process 1",
        """
with trying("opened /proc/1/mem for writing and wrote"):
    with open("/proc/1/maps") as maps:
        start = next(int(line.split("-")[0], 16) for line in maps if " rw" in line)
    with open("/proc/1/mem", "r+b", buffering=0) as memory:
        memory.seek(start)
        now = memory.read(8)
        memory.seek(start)
        memory.write(now)
""",
    ),
    Attempt(
        "Read the kernel's memory, symbols and log",
        """
with trying("read /proc/kcore"):
    open("/proc/kcore", "rb").read(16)
with trying("read the kernel's log from /dev/kmsg or /proc/kmsg"):
    os.open("/proc/kmsg", os.O_RDONLY | os.O_NONBLOCK)
reach("syslog", 10, None, 0)  # the log's size
with contextlib.suppress(OSError):
    line = open("/proc/kallsyms").readline()
    if line and line.split()[0].strip("0"):
        escaped(f"kernel addresses are shown: {line}")
for name in ("kpageflags", "kpagecount", "vmallocinfo", "slabinfo", "timer_list"):
    with trying(f"read /proc/{name}"):
        open(f"/proc/{name}", "rb").read(4096)
""",
    ),
    Attempt(
        "Read the keys that the service or the user holds",
        """
keys = []
with contextlib.suppress(OSError):
    print(open("/proc/keys").read(), flush=True)
    keys = [int(line.split()[0], 16) for line in open("/proc/keys") if f"escape:{HOST['mark']}" in line]
for ring in (-3, -4, -5):
    for name in (f"escape:{HOST['mark']}",):
        try:
            keys.append(call("keyctl", 10, ctypes.c_long(ring), b"user", name.encode(), 0))
        except OSError as error:
            held(f"{errno.errorcode[error.errno]} on searching keyring {ring}")
for key in keys:
    buffer = ctypes.create_string_buffer(200)
    with trying(f"read key {key}"):
        call("keyctl", 11, key, buffer, 200)
        print(buffer.value, flush=True)
""",
    ),
    Attempt(
        "Read the user's keys by request_key and through a persistent keyring",
        """
reach("request_key", b"user", f"escape:{HOST['mark']}".encode(), None, 0)
reach("keyctl", 22, os.getuid(), ctypes.c_long(-3))
""",
    ),
    Attempt(
        "Open a file of the host by its handle, without a path",
        """
class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("handle", ctypes.c_ubyte * 128)]
handle, mount = Handle(bytes=8, type=1), ctypes.c_int()
handle.handle[0] = 2  # inode 2: the root of an ext4 file system
with trying("opened the root of the disk by handle"):
    call("open_by_handle_at", os.open(".", os.O_RDONLY), ctypes.byref(handle), os.O_RDONLY)
""",
    ),
    Attempt(
        "Make a hard link in the workspace to a file of the system, and to one of the host",
        """
for target in (os.path.realpath("/bin/sh"), "/etc/ld.so.cache", *HOST["files"]):
    with trying(f"linked {target}"):
        os.link(target, "link")
""",
    ),
    Attempt(
        "See sources and headers of the host below /usr that no command needs",
        """
for path in ("/usr/src", "/usr/local/src", "/usr/local/etc", "/usr/games", "/usr/share/doc"):
    with trying(f"found {path} with something in it"):
        if not os.listdir(path):
            raise FileNotFoundError(errno.ENOENT, path)
""",
    ),
    Attempt(
        "Climb out of a chroot of its own making",
        """
os.makedirs("cell", exist_ok=True)
with trying("called chroot"):
    os.chroot("cell")
""",
    ),
)
