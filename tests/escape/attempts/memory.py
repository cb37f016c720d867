"""Taking more memory than the jail as a whole may have, in every way that a limit per process does not see.

FINDINGS A2: shared mappings, memfds, System V segments and many processes took 2.5 to 4 GB. Each program stops by
itself a quarter above the budget.
"""

from __future__ import annotations

from tests.escape.attempt import Attempt

FILL = """
import mmap, resource
STEP = 16 * MIB
BLOCK = b"x" * MIB
def fill(memory):
    for start in range(0, len(memory), MIB):
        memory[start:start + MIB] = BLOCK
    return memory
def write_file(number, size):
    for _ in range(size // MIB):
        if os.write(number, BLOCK) != MIB:
            raise OSError(errno.ENOSPC, "a short write")
"""


def hog(name: str, program: str) -> Attempt:
    return Attempt(name, FILL + program, seconds=30)


ATTEMPTS = (
    hog("Fill private memory in one process", 'grow("memory", STEP, lambda size: fill(bytearray(size)), "bytes")'),
    hog(
        "Fill shared anonymous mappings, which no limit per process counts",
        'grow("memory", STEP, lambda size: fill(mmap.mmap(-1, size)), "bytes of shared mappings")',
    ),
    hog(
        "Fill memfds without mapping them",
        """
def take(size):
    number = os.memfd_create("x")
    write_file(number, size)
    return number
grow("memory", STEP, take, "bytes of memfds")
""",
    ),
    hog(
        "Fill System V segments and detach from them",
        """
LIBC.shmat.restype = ctypes.c_void_p
def take(size):
    number = call("shmget", 0, size, 0o1600)
    address = LIBC.shmat(number, None, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "shmat")
    ctypes.memset(address, 1, size)
    LIBC.shmdt(ctypes.c_void_p(address))
grow("memory", STEP, take, "bytes of System V segments")
""",
    ),
    hog(
        "Let many processes take a little each",
        """
def take(size):
    start, started = os.pipe()
    def body():
        memory = fill(bytearray(size))
        os.write(started, b"x")
        time.sleep(60)
    child(body)
    os.read(start, 1)
grow("memory", 32 * MIB, take, "bytes in many processes")
""",
    ),
    hog(
        "Fill shared memory and drop the pages from sight with MADV_DONTNEED",
        """
def take(size):
    memory = fill(mmap.mmap(-1, size))
    memory.madvise(mmap.MADV_DONTNEED)  # shared pages stay, but no process holds them any more
    return memory
grow("memory", STEP, take, "bytes of shared pages that nobody holds")
""",
    ),
    hog(
        "Fill shared memory, drop it from sight and close its own /proc files to whoever watches",
        """
LIBC.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
def take(size):
    memory = fill(mmap.mmap(-1, size))
    memory.madvise(mmap.MADV_DONTNEED)
    return memory
grow("memory", STEP, take, "bytes of shared pages behind closed files")
""",
    ),
    hog(
        "Map one page of each shared block that was filled, and unmap the rest",
        """
LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
def take(size):
    memory = fill(mmap.mmap(-1, size))
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    LIBC.munmap(start + 4096, size - 4096)
    return memory
grow("memory", STEP, take, "bytes of which a page in each block is mapped")
""",
    ),
    hog(
        "Fill memory from a thread whose process looks dead, because its first thread has ended",
        """
import threading
def work():
    time.sleep(0.1)
    try:
        grow("memory", STEP, lambda size: fill(bytearray(size)), "bytes behind a dead thread")
    finally:
        os._exit(0)
threading.Thread(target=work).start()
LIBC.syscall(60 if platform.machine() == "x86_64" else 93, 0)  # exit, of this thread alone
""",
    ),
    hog(
        "Fill /tmp and /dev/shm together, beside memory",
        """
import itertools
files = []
for folder in ("/tmp", "/dev/shm"):
    with contextlib.suppress(OSError):
        with open(f"{folder}/fill", "wb", buffering=0) as file:
            while True:
                write_file(file.fileno(), MIB)
filled = sum(os.stat(f"{folder}/fill").st_size for folder in ("/tmp", "/dev/shm"))
held(f"{filled} bytes of /tmp and /dev/shm")
if filled > BUDGET["memory"]:
    escaped(f"{filled} bytes of /tmp and /dev/shm")
""",
    ),
    hog(
        "Keep deleted files of /tmp open",
        """
def take(size):
    number = os.open("/tmp/deleted", os.O_CREAT | os.O_RDWR)
    os.unlink("/tmp/deleted")
    write_file(number, size)
    return number
grow("memory", STEP, take, "bytes of deleted files of /tmp")
""",
    ),
    hog(
        "Fill memory with the inodes of hundreds of thousands of empty files in /tmp",
        """
os.makedirs("/tmp/many", exist_ok=True)
os.chdir("/tmp/many")
number = 0
try:
    while number < 400_000:
        os.close(os.open(str(number), os.O_CREAT))
        number += 1
except OSError as error:
    held(f"{errno.errorcode[error.errno]} after {number} files in /tmp")
else:
    escaped(f"made {number} files in /tmp")
""",
    ),
    hog(
        "Fill pipes and sockets in many processes: memory that belongs to no process",
        """
import fcntl, socket
def take(size):
    started, ready = os.pipe()
    def body():
        kept = []
        total = 0
        resource.setrlimit(resource.RLIMIT_NOFILE, [resource.getrlimit(resource.RLIMIT_NOFILE)[1]] * 2)
        with contextlib.suppress(OSError):
            while total < size:
                near, far = socket.socketpair()
                near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MIB)
                near.setblocking(False)
                kept += [near, far]
                with contextlib.suppress(BlockingIOError):
                    while True:
                        total += near.send(BLOCK)
        os.write(ready, str(total).encode())
        time.sleep(60)
    child(body)
    if int(os.read(started, 20)) < size:
        raise OSError(errno.EMFILE, "sockets")
grow("memory", 32 * MIB, take, "bytes in sockets")
""",
    ),
    hog(
        "Fill page tables: touch one zero page in each 2 MiB of a huge mapping",
        """
# Each touch costs a page table of 4 KiB and no memory of the process's own.
SPAN = 1 << 40
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
def area():
    address = LIBC.mmap(None, SPAN, 1, 0x4022, -1, 0)  # PROT_READ, NORESERVE | ANONYMOUS | PRIVATE
    if address in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "mmap")
    LIBC.madvise(ctypes.c_void_p(address), ctypes.c_size_t(SPAN), 15)  # MADV_NOHUGEPAGE
    return address
state = [area(), 0]
def take(size):
    for _ in range(size // 4096):
        if state[1] + (2 << 20) > SPAN:
            state[:] = area(), 0
        ctypes.c_char.from_address(state[0] + state[1]).value
        state[1] += 2 << 20
grow("memory", STEP, take, "bytes of page tables")
""",
    ),
    hog(
        "Send memfds through a socket and close them: files in flight that nobody holds",
        """
import array, socket
near, far = socket.socketpair()
near.setblocking(False)
def take(size):
    number = os.memfd_create("x")
    write_file(number, size)
    try:
        near.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [number]))])
    finally:
        os.close(number)
grow("memory", STEP, take, "bytes of memfds in flight")
""",
    ),
)
