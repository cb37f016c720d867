"""What a jail shows, and who a command is."""

from __future__ import annotations

from tests.jail.conftest import Run


def test_commands_have_no_rights_whatever_the_service_is(run: Run) -> None:
    status = dict(line.split(":\t", 1) for line in run("cat /proc/self/status").output.splitlines())
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_commands_see_an_ordinary_user_of_no_account(run: Run) -> None:
    assert run("id; ls -nd /workspace /workspace/..").output.startswith("uid=1000(sandbox) gid=1000(sandbox)")


def test_proc_cannot_be_written(run: Run) -> None:
    settings = "/proc/sys/kernel/core_pattern /proc/self/oom_score_adj /proc/sysrq-trigger /proc/sys/vm/drop_caches"
    ending = run(f"for path in {settings}; do echo 1 > $path && echo wrote $path; done")
    assert "wrote" not in ending.output, ending


def test_there_are_no_keys_and_no_nested_namespaces(run: Run) -> None:
    ending = run("cat /proc/keys; unshare -U true && echo nested; unshare -r mount -t tmpfs x /tmp && echo mounted")
    assert "nested" not in ending.output and "mounted" not in ending.output
    assert "Permission denied" in ending.output, ending


def test_of_usr_only_programs_are_there(run: Run) -> None:
    shown = set(run("ls /usr").output.split())
    assert shown <= {"bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "include", "share"}
    assert "doc" not in run("ls /usr/share").output.split()


def test_a_command_gets_no_descriptor_but_its_three(run: Run) -> None:
    assert run("ls /proc/self/fd").output.split() == ["0", "1", "2", "3"]  # 3: the listing itself


def test_every_mount_is_without_setuid_and_devices(run: Run) -> None:
    own_devices = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/pts")
    for line in run("cat /proc/self/mountinfo").output.splitlines():
        path, options = line.split()[4:6]
        assert "nosuid" in options and ("nodev" in options or path in own_devices), line
