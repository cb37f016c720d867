"""System calls that no command of an agent needs, and that have given kernels away before.

The call must be refused before the kernel looks at its arguments (see ``reach``), by whoever: FINDINGS A4 found vsock,
keyctl, io_uring, ptrace, userfaultfd, bpf and perf within reach, because there was no filter at all.
"""

from __future__ import annotations

from tests.escape.attempt import Attempt


def refused(what: str, *calls: str) -> Attempt:
    return Attempt(what, "\n".join(f"reach({call})" for call in calls))


ATTEMPTS = (
    refused(
        "Load a program into the kernel (bpf)",
        '"bpf", 0, ctypes.byref((ctypes.c_uint * 20)(2, 4, 8, 1)), 80',
        '"bpf", 5, None, 0',
    ),
    refused("Watch the machine's counters (perf_event_open)", '"perf_event_open", None, 0, -1, -1, 0'),
    refused("Queue calls past the filter (io_uring)", '"io_uring_setup", 8, ctypes.create_string_buffer(240)'),
    refused("Stop the kernel in the middle of a page fault (userfaultfd)", '"userfaultfd", 1'),
    refused(
        "Use the kernel's keyrings (keyctl, add_key, request_key)",
        '"keyctl", 0, ctypes.c_long(-3), 1',
        '"keyctl", 1, b"mine"',
        '"add_key", b"user", b"name", b"value", 5, ctypes.c_long(-3)',
        '"request_key", b"user", b"name", None, 0',
    ),
    Attempt(
        "Trace another process (ptrace)",
        """
pid = child(lambda: time.sleep(5))
with trying("attached to process 1"):
    call("ptrace", 16, 1, None, None)
reach("ptrace", 16, pid, None, None)
os.kill(pid, signal.SIGKILL)
os._exit(0)
""",
    ),
    Attempt(
        "Read and write another process's memory (process_vm_readv, pidfd_getfd, process_madvise)",
        """
reach("process_vm_readv", 1, None, 0, None, 0, 1)
reach("process_vm_writev", 1, None, 0, None, 0, 1)
try:
    number = call("pidfd_open", 1, 0)
except OSError as error:
    held(f"{errno.errorcode[error.errno]} on pidfd_open of process 1")
else:
    for wanted in range(8):
        with trying(f"took descriptor {wanted} out of process 1"):
            call("pidfd_getfd", number, wanted, 0)
""",
    ),
    refused("Compare kernel pointers of two processes (kcmp)", '"kcmp", os.getpid(), 1, 0, 0, 0'),
    refused(
        "Load or unload a kernel module",
        '"init_module", None, 0, b""',
        '"finit_module", -1, b"", 0',
        '"delete_module", b"nothing", 0',
    ),
    refused(
        "Boot another kernel, reboot, or switch the machine's swap and accounting",
        '"kexec_load", 0, 0, None, 0',
        '"kexec_file_load", -1, -1, 0, None, 0',
        '"reboot", 0, 0, 0, None',
        '"swapon", None, 0',
        '"acct", b"/dev/null/none"',
        '"quotactl", 0, None, 0, None',
    ),
    refused("Watch the file system as a whole (fanotify)", '"fanotify_init", 0x200, 0'),
    refused("Open files by handle", '"open_by_handle_at", -1, None, 0'),
    refused("Learn file handles", '"name_to_handle_at", -100, None, None, None, 0'),
    refused(
        "Use the processor's ports and segments (iopl, ioperm, modify_ldt)",
        '"iopl", 3',
        '"ioperm", 0x70, 1, 1',
        '"modify_ldt", 1, None, 0',
    ),
    refused(
        "Switch off the randomisation of addresses (personality)",
        '"personality", 0x0040000',
        '"personality", 0x0400000',
    ),
    refused(
        "Move other processes' pages between nodes",
        '"move_pages", 0, 1, None, None, None, 0',
        '"migrate_pages", 0, 1, None, None',
    ),
    refused("Hang up the terminal", '"vhangup",'),
    Attempt(
        "Make system calls of 32 bits, which a filter of 64 bits does not see",
        """
import mmap
if platform.machine() != "x86_64":
    held(f"{platform.machine()} has no such gate here")
    sys.exit()
code = mmap.mmap(-1, 4096, prot=7)
# push rbx; mov eax, 20 (getpid); int 0x80; pop rbx; ret
code.write(bytes.fromhex("53b814000000cd805bc3"))
address = ctypes.addressof(ctypes.c_char.from_buffer(code))
result = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
(escaped if result > 0 else held)(f"int 0x80 answered {result}")
""",
    ),
    Attempt(
        "Make system calls of the x32 kind, whose numbers a filter may not list",
        """
number = LIBC.syscall(ctypes.c_long(0x40000000 + 39))
works = number > 0 and platform.machine() == "x86_64"
(escaped if works else held)(f"getpid of x32 answered {number}, {errno.errorcode.get(ctypes.get_errno())}")
""",
    ),
    Attempt(
        "Type into a terminal of its own with TIOCSTI and TIOCLINUX",
        """
import fcntl, pty
try:
    master, slave = pty.openpty()
except OSError as error:
    held(f"{errno.errorcode[error.errno]} on making a terminal")
else:
    for name, request in (("TIOCSTI", 0x5412), ("TIOCLINUX", 0x541C)):
        try:
            fcntl.ioctl(slave, request, b"x")
        except OSError as error:
            # ENOTTY and EIO come from the terminal: the call was not filtered.
            filtered = error.errno in (errno.EPERM, errno.ENOSYS, errno.EACCES)
            (held if filtered else escaped)(f"{name}: {errno.errorcode[error.errno]}")
        else:
            escaped(f"{name} worked")
    # The same request with a bit above 32 set: the kernel drops it, a careless filter does not.
    if LIBC.ioctl(slave, ctypes.c_ulong(0x5412 | 1 << 32), b"x") == 0:
        escaped("TIOCSTI worked with a higher bit set")
""",
    ),
    Attempt(
        "Hide memory from the kernel itself, and lock pages (memfd_secret, mlock)",
        """
reach("memfd_secret", 0)
size = 64 * MIB
buffer = ctypes.create_string_buffer(size)
if LIBC.mlock(buffer, ctypes.c_size_t(size)) == 0:
    escaped("locked 64 MiB into memory")
held("could not lock 64 MiB")
""",
    ),
)
