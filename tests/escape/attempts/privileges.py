"""Becoming more than an ordinary, powerless user.

FINDINGS A1: a user namespace alone does not help against root, the kernel compares with the global root uid; so where
the service is root the jail needs a real uid of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.escape import traces
from tests.escape.attempt import Attempt
from tests.escape.stage import Stage


def runs_as_root(stage: Stage) -> str | None:
    """Whether a process of the jail has the service's power: its real uid on the host."""
    if os.geteuid() != 0:
        return None  # an ordinary user has no second uid to give away
    for pid in stage.processes():
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"wait here to be looked at" in command and 0 in traces.user_of(pid):
            if os.readlink(f"/proc/{pid}/ns/pid") == os.readlink("/proc/self/ns/pid"):
                continue  # outside of the jail: who watches it
            return "the command runs with uid 0 of the host"
    return None


ATTEMPTS = (
    Attempt(
        "Run with the uid of the service",
        """
# wait here to be looked at
time.sleep(0.5)
held("whether the uid is root's is seen on the host")
""",
        meanwhile=runs_as_root,
    ),
    Attempt(
        "Map itself to other users of the host",
        """
for name in ("uid_map", "gid_map"):
    lines = open(f"/proc/self/{name}").read().splitlines()
    if len(lines) != 1 or lines[0].split()[2] != "1":
        escaped(f"{name} is {lines}")
    with trying(f"wrote its own {name}"):
        with open(f"/proc/self/{name}", "w") as file:
            file.write("0 0 4294967295")
""",
    ),
    Attempt(
        "Have any capability at all, or get one back",
        """
status = dict(line.rstrip("\\n").split(":", 1) for line in open("/proc/self/status"))
status = {name: value.strip() for name, value in status.items()}
for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
    if int(status[name], 16):
        escaped(f"{name} is {status[name]}")
if status["NoNewPrivs"] != "1":
    escaped("programs may still gain privileges (NoNewPrivs is 0)")
if status["Seccomp"] != "2":
    escaped("no system call filter is on")
if status["Groups"].split():
    escaped(f"supplementary groups: {status['Groups']}")
held("no capability, no new privileges, filtered")
with trying("raised an ambient capability"):
    if LIBC.prctl(47, 2, 21, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
""",
    ),
    Attempt(
        "Become root, another user or another group",
        """
for what, become in (
    ("setuid(0)", lambda: os.setuid(0 if os.getuid() else 1)),
    ("setresuid", lambda: os.setresuid(*[65534 if os.getuid() != 65534 else 0] * 3)),
    ("setgid(0)", lambda: os.setgid(0 if os.getgid() else 1)),
    ("setgroups", lambda: os.setgroups([0, 27])),
):
    with trying(what):
        become()
""",
    ),
    Attempt(
        "Gain by setuid programs of the system",
        """
import glob, subprocess
folders = ("/usr/bin", "/usr/sbin", "/usr/lib/*", "/usr/libexec")
programs = [path for folder in folders for path in glob.glob(f"{folder}/*")]
found = [path for path in programs if os.path.isfile(path) and os.lstat(path).st_mode & 0o6000]
for program in found:
    if os.path.basename(program) in ("su", "sudo", "pkexec"):
        command = [program, "-n", "id", "-u"] if "sudo" in program else [program, "-c", "id -u"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, stdin=subprocess.DEVNULL)
        if done.stdout.strip() == "0":
            escaped(f"{program} gave uid 0")
held(f"{len(found)} setuid programs, none of which acts")
""",
    ),
    Attempt(
        "Take a better place with the scheduler than the service has",
        """
for policy in (os.SCHED_FIFO, os.SCHED_RR):
    with trying("became a real-time process"):
        os.sched_setscheduler(0, policy, os.sched_param(1))
with trying("raised its priority"):
    os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) - 1)
""",
    ),
    Attempt(
        "Raise its own limits",
        """
import resource
for name in ("DATA", "FSIZE", "NPROC", "NOFILE", "CPU", "MEMLOCK"):
    kind = getattr(resource, f"RLIMIT_{name}")
    soft, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        try:
            resource.setrlimit(kind, (hard, hard + 1))
        except (OSError, ValueError) as error:
            held(f"RLIMIT_{name} stays at {hard}: {error}")
        else:
            escaped(f"raised RLIMIT_{name} above {hard}")
    elif name in ("NOFILE", "NPROC"):
        escaped(f"RLIMIT_{name} has no limit")
""",
    ),
    Attempt(
        "Take the filter off again, or put it out of force with one of its own",
        """
class Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.POINTER(Filter))]
allow = Program(1, ctypes.pointer(Filter(0x06, 0, 0, 0x7FFF0000)))
LIBC.prctl(22, 2, ctypes.byref(allow), 0, 0)  # an own filter that allows all: may be added, must change nothing
with trying("took a keyring after adding a filter that allows all"):
    call("keyctl", 1, None)
with trying("switched no_new_privs off"):
    if LIBC.prctl(38, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
""",
    ),
)
