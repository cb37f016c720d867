"""The warden: what it is told, that it goes on seeing, and what is said where it has too little left for that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.sandbox import bubblewrap as start
from agent.sandbox.bubblewrap import BubblewrapSandbox
from agent.warden import held
from agent.warden.jail import _number_after
from tests.agent.test_sandbox import wait_until
from tests.jail.short import no_descriptors_left

HEADLESS = 20
"""Processes of which the first thread has ended, and another one lives."""
HEADLESS_PROGRAM = f"""
import ctypes, os, threading, time
for _ in range({HEADLESS}):
    if os.fork() == 0:
        threading.Thread(target=time.sleep, args=(60,)).start()
        ctypes.CDLL(None).syscall({{"x86_64": 60, "aarch64": 93}}[os.uname().machine], 0)
print("ready", flush=True)
time.sleep(60)
"""
READS_OF_A_LOOK = 3 * HEADLESS
"""At least: each process's list of threads, and the account of two of them."""


@pytest.mark.parametrize(
    "text",
    [b'{\n    "child-pid": 123\n}\n', b'{\n    "child-pid": 123,\n    "cgroup-namespace": 4026531835\n}\n'],
    ids=["bubblewrap 0.8", "with more fields"],
)
def test_the_first_process_is_found_in_what_bubblewrap_says(text: bytes) -> None:
    assert _number_after(b'"child-pid"', text) == 123


def test_looking_takes_no_descriptors_whatever_there_is_to_see(bubblewrap: BubblewrapSandbox) -> None:
    """A command could use up the warden's, 400 a second, and then took what it wanted: 917 MB of 300."""
    with bubblewrap.start(["python3", "-c", HEADLESS_PROGRAM]) as jailed:
        assert jailed.process.stdout is not None and jailed.process.stdout.readline() == b"ready\n"
        warden = Path(f"/proc/{jailed.process.pid}")
        few = len(os.listdir(warden / "fd"))
        begin = _reads(warden)
        wait_until(lambda: _reads(warden) > begin + 5 * READS_OF_A_LOOK)
        assert len(os.listdir(warden / "fd")) < few + HEADLESS


def _reads(process: Path) -> int:
    return int((process / "io").read_text().split("syscr:")[1].split()[0])


def test_who_has_no_descriptors_left_does_not_take_that_for_an_empty_jail() -> None:
    proc = os.open("/proc", os.O_RDONLY)
    try:
        assert held._pids(proc) and held._read("self/status", proc)
        with no_descriptors_left():
            for look in (lambda: held._pids(proc), lambda: held._read("self/status", proc)):
                with pytest.raises(OSError, match="Too many open files"):
                    look()
        assert held._read("0/status", proc) == b""
    finally:
        os.close(proc)


def test_where_a_warden_has_too_little_left_that_is_said(
    bubblewrap: BubblewrapSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command's output was the warden's traceback, with the paths of this machine."""

    monkeypatch.setattr(start, "WARDEN", ("prlimit", "--nofile=4", *start.WARDEN))
    said: list[str] = []
    result = bubblewrap.run("true", timeout=10, on_output=lambda _, chunk: said.append(chunk), check=lambda: None)
    why = "this machine has too little left for its warden (Too many open files)"
    assert (result.exit_code, said) == (126, [f"Not run to its end: {why}.\n"])


@pytest.mark.parametrize("text", ["a\0b", "\ud800"], ids=["NUL", "half a character"])
def test_a_command_line_that_no_program_can_be_given_is_refused_in_words(
    bubblewrap: BubblewrapSandbox, text: str
) -> None:
    with bubblewrap.start(["echo", text]) as jailed:
        said = jailed.process.communicate(timeout=10)[1]
    assert said.startswith(b"The jail could not be started: ") and jailed.process.returncode == 126
