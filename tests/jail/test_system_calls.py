"""The filter: what is refused inside, that common programs go on working, and that there are no commands without it."""

from __future__ import annotations

import os
import shlex
import shutil

import pytest

from agent.sandbox import seccomp
from agent.sandbox.bubblewrap import BubblewrapSandbox
from agent.sandbox.probe import probe
from tests.jail.conftest import Run

ASK = """
import ctypes, errno, sys
libc = ctypes.CDLL(None, use_errno=True)
for call in sys.argv[1:]:
    number, *args = (ctypes.c_long(int(part, 0)) for part in call.split(","))
    result = libc.syscall(number, *args)
    print("done" if result >= 0 else errno.errorcode[ctypes.get_errno()])
"""
REFUSED = {
    "add_key": ("248,0,0,0,0,-3", "ENOSYS"),
    "keyctl": ("250,0,-3,0", "ENOSYS"),
    "io_uring_setup": ("425,8,0", "ENOSYS"),
    "memfd_create": ("319,0,0", "ENOSYS"),
    "shmget": ("29,0,4096,0x3ff", "ENOSYS"),
    "userfaultfd": ("323,1", "ENOSYS"),
    "bpf": ("321,0,0,0", "ENOSYS"),
    "perf_event_open": ("298,0,0,0,0,0", "ENOSYS"),
    "clone3": ("435,0,0", "ENOSYS"),
    "a call of the future": ("467,0", "ENOSYS"),
    "ptrace": ("101,0,0,0,0", "EPERM"),
    "unshare of a user namespace": ("272,0x10000000", "EPERM"),
    "clone into a user namespace": ("56,0x10000011,0,0,0,0", "EPERM"),
    "clone of a thread with other files": ("56,0x10900,0,0,0,0", "EPERM"),
    "close_range that parts with the other threads": ("436,1000,1000,2", "EINVAL"),
    "mount": ("165,0,0,0,0,0", "EPERM"),
    "open_tree": ("428,-100,0,1", "EPERM"),
    "name_to_handle_at": ("303,-100,0,0,0,0", "EPERM"),
    "personality without a random layout": ("135,0x40000", "EPERM"),
    "a vsock": ("41,40,1,0", "EAFNOSUPPORT"),
    "a packet socket": ("41,17,3,0", "EAFNOSUPPORT"),
    "a kernel crypto socket": ("41,38,5,0", "EAFNOSUPPORT"),
    "netlink of the firewall": ("41,16,3,12", "EAFNOSUPPORT"),
    "a vsock with bits above": ("41,0x100000028,1,0", "EAFNOSUPPORT"),
    "TIOCSTI": ("16,0,0x5412,0", "EPERM"),
    "TIOCSTI with bits above": ("16,0,0x100005412,0", "EPERM"),
    "fchmod setuid": ("91,0,0xdff", "EPERM"),
    "fchmodat2 setuid": ("452,-100,0,0xdff,0", "EPERM"),
    "openat that makes a setuid file": ("257,-100,0,0x40,0x9ff", "EPERM"),
    "mknodat of a device": ("259,-100,0,0x21b6,0x103", "EPERM"),
    "a call of the x32 ABI": ("0x40000027", "ENOSYS"),
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86-64")
def test_these_calls_are_refused(run: Run) -> None:
    ending = run(shlex.join(["python3", "-c", ASK, *(call for call, _ in REFUSED.values())]))
    assert dict(zip(REFUSED, ending.output.split(), strict=True)) == {
        name: answer for name, (_, answer) in REFUSED.items()
    }


PROGRAMS = {
    "sh": "echo a | sed s/a/b/ | sort | uniq",
    "python3": 'python3 -c "import subprocess, multiprocessing.pool as p; p.ThreadPool(2).map(abs, [1]); import ssl"',
    "node": "node -e 'os.networkInterfaces(); new worker_threads.Worker(\"0\", {eval: true})' && npm --version",
    "git": "git init -q . && git -c user.name=a -c user.email=a commit -q --allow-empty -m one",
    "gcc": "echo 'int main() { return 0; }' > a.c && gcc a.c -o a.out && ./a.out",
    "make": "printf 'all:\\n\\ttrue\\n' > Makefile && make -s",
    "perl": "perl -MJSON::PP -e 1",
    "sqlite3": "sqlite3 a.db 'create table t (a); select 1'",
    "java": "java -version",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_common_programs_work(run: Run, program: str) -> None:
    if shutil.which(program, path="/usr/bin:/bin") is None:
        pytest.skip(f"{program} is not installed")
    ending = run(PROGRAMS[program])
    assert ending.result.exit_code == 0, ending


def test_without_the_library_commands_are_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, bubblewrap: BubblewrapSandbox
) -> None:
    def unavailable() -> bytes:
        raise seccomp.Unavailable("there is no filter; install libseccomp2")

    monkeypatch.setattr(seccomp, "program", unavailable)
    assert probe() == "there is no filter; install libseccomp2"
    output: list[str] = []
    result = bubblewrap.run("touch x", timeout=9, on_output=lambda _, chunk: output.append(chunk), check=lambda: None)
    assert (result.exit_code, output) == (126, ["Not run: there is no filter; install libseccomp2.\n"])
    assert not (bubblewrap.root / "x").exists()
