"""Flooding, garbling or holding open what the service reads."""

from __future__ import annotations

from tests.escape.attempt import Attempt

ATTEMPTS = (
    Attempt(
        "Write lines without end",
        """
line = b"y\\n" * 8192
while True:
    os.write(1, line)
""",
    ),
    Attempt(
        "Write bytes without a newline to both outputs at once",
        """
child(lambda: [os.write(2, b"e" * 65536) for _ in iter(int, 1)])
while True:
    os.write(1, b"o" * 65536)
""",
    ),
    Attempt(
        "Write every byte there is, torn characters and terminal controls",
        """
held("the output is text afterwards, or nothing")
os.write(1, bytes(range(256)) * 64 + b"\\xe2\\x82" * 1000 + b"\\x1b]0;title\\x07\\x9b31m\\n")
""",
    ),
    Attempt(
        "Close both outputs and run on",
        """
held("ends at its time limit")
os.close(1)
os.close(2)
time.sleep(60)
""",
        seconds=0.6,
        may_time_out=True,
    ),
    Attempt(
        "Write one byte at a time for as long as it may",
        """
held("ends at its time limit")
while True:
    os.write(1, b".")
    time.sleep(0.0002)
""",
        seconds=1,
        may_time_out=True,
    ),
    Attempt(
        "Fill the pipe and then ignore that nobody reads",
        """
import fcntl
held("the pipe is only a pipe")
with contextlib.suppress(OSError):
    fcntl.fcntl(1, 1031, 1 << 30)  # F_SETPIPE_SZ
if fcntl.fcntl(1, 1032) > 1 << 20:
    escaped(f"the pipe holds {fcntl.fcntl(1, 1032)} bytes")
fcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK)
for _ in range(200):
    with contextlib.suppress(BlockingIOError):
        os.write(1, b"z" * 65536)
""",
    ),
)
