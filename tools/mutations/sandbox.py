"""Workspaces, commands and their jail."""

from __future__ import annotations

from typing import Final

from tools.mutations.mutant import Mutant

MUTANTS: Final = (
    Mutant(
        "put the workspace back",
        "agent/workspace.py",
        "failed := sandbox.write(entries, check, replace=True)",
        "failed := dict[str, str]()",
        ("tests/agent/test_loop.py",),
    ),
    Mutant(
        "what background processes write is kept",
        "agent/workspace.py",
        "    if sandbox.is_worked_in(known):\n        return Restored(is_worked_in=True)\n",
        "",
        ("tests/agent/test_background.py",),
    ),
    Mutant(
        "nothing goes on over files that are put back",
        "agent/workspace.py",
        "stopped := sandbox.background.stop_all(PUT_BACK)",
        "stopped := list[str]()",
        ("tests/agent/test_background.py",),
    ),
    Mutant(
        "a look that is made again shows the same",
        "agent/sandbox/records.py",
        "first = cursor.first if cursor.reader == reader else cursor.next",
        "first = cursor.next",
        ("tests/agent/test_background.py",),
    ),
    Mutant(
        "a background process ends with the service's process",
        "agent/warden/main.py",
        'self._calls = {control: "service"}',
        "self._calls = dict[int, str]()",
        ("tests/jail/test_background.py",),
    ),
    Mutant(
        "nobody joins the machine's own network",
        "agent/sandbox/neighbours.py",
        "if found.is_alive and has_own_network(found.pid):",
        "if found.is_alive:",
        ("tests/jail/test_background.py",),
    ),
    Mutant(
        "forget what is known before a command",
        "agent/sandbox/local.py",
        "            self._folder.know(None)\n            self._open_up()",
        "            self._open_up()",
        ("tests/agent/test_sandbox_folder.py",),
    ),
    Mutant(
        "open a workspace that was closed",
        "agent/sandbox/local.py",
        "            os.chmod(path, stat.S_IRWXU)",
        "            pass",
        ("tests/agent/test_hostile_workspace.py",),
    ),
    Mutant(
        "only what is not there is gone",
        "agent/inside/look.py",
        "            if error.errno not in NOT_THERE:\n                self.left_out.add(path, 0,",
        "            if False:\n                self.left_out.add(path, 0,",
        ("tests/agent/test_hostile_workspace.py",),
    ),
    Mutant(
        "a short list of what is left out",
        "agent/inside/leftovers.py",
        "NAMED = 12",
        "NAMED = 10**9",
        ("tests/agent/test_hostile_workspace.py",),
    ),
    Mutant(
        "known files before new ones",
        "agent/inside/look.py",
        "            elif path not in self._known:\n                files.append(path)",
        "            else:\n                files.append(path)",
        ("tests/agent/test_workspace.py",),
    ),
    Mutant(
        "links inside only",
        "agent/inside/look.py",
        '                raise Unkept("a link that leads outside")\n            at.pop()',
        "                return target.encode()\n            at.pop()",
        ("tests/agent/test_workspace.py",),
    ),
    Mutant(
        "answers are not trusted",
        "agent/sandbox/answers.py",
        "        if checked(path) == path:\n            return path",
        "        return path",
        ("tests/agent/test_hostile_workspace.py",),
    ),
    Mutant(
        "a limit on answers",
        "agent/sandbox/exchange.py",
        "            if len(talk.answer) > limit:",
        "            if False:",
        ("tests/agent/test_hostile_workspace.py",),
    ),
    Mutant(
        "a folder of our own",
        "agent/sandbox/folder.py",
        "    if (mode := stat.S_IMODE(found.st_mode)) & 0o077:",
        "    if (mode := 0) & 0o077:",
        ("tests/agent/test_sandbox_folder.py",),
    ),
    Mutant(
        "a removed lock is no lock",
        "agent/sandbox/exclusive.py",
        "        if os.fstat(fd).st_ino == os.stat(lock).st_ino:",
        "        if True:",
        ("tests/agent/test_exclusive.py",),
    ),
    Mutant(
        "a dead process's id may be another's",
        "agent/sandbox/folder.py",
        ' and owner["started"] == started(owner["pid"])',
        "",
        ("tests/agent/test_sandbox_folder.py",),
    ),
    Mutant(
        "the janitor leaves what is in use",
        "agent/sandbox/janitor.py",
        "            with exclusive(folder.lock, lambda: None, patience=0):",
        "            if True:",
        ("tests/agent/test_sandbox_folder.py",),
    ),
    Mutant(
        "checks import nothing of the project",
        "agent/checks/kinds.py",
        '("python3", "-I", "-c")',
        '("python3", "-c")',
        ("tests/agent/test_checks.py",),
    ),
    Mutant(
        "the system call filter",
        "agent/sandbox/jail.py",
        '*("--info-fd", "info", "--seccomp", str(seccomp)),',
        '*("--info-fd", "info"),',
        ("tests/escape/test_escapes.py::test_is_held[ordinary-Queue-calls-past-the-filter-io-uring]",),
    ),
    Mutant(
        "/proc is read-only",
        "agent/sandbox/jail.py",
        '*("--proc", "/proc", *_hidden(), "--remount-ro", "/proc"),',
        '*("--proc", "/proc", *_hidden()),',
        ("tests/escape/test_escapes.py::test_is_held[ordinary-Write-the-memory-of-process-1]",),
    ),
    Mutant(
        "budgets of processor time",
        "agent/warden/main.py",
        '        if held.cpu > self._budgets["cpu"]:',
        "        if False:",
        (
            "tests/escape/test_escapes.py::test_is_held[ordinary-Spin-in-children-that-are-collected-without-being-counted]",
        ),
    ),
    Mutant(
        "memory that no process holds",
        "agent/warden/held.py",
        "sum(shared.memory.values()) + self._unseen(shared, scratch)",
        "0",
        (
            "tests/escape/test_escapes.py::test_is_held[ordinary-Fill-shared-memory-and-drop-the-pages-from-sight-with-MADV-DONTNEED]",
        ),
    ),
    Mutant(
        "the count after a command's end",
        "agent/warden/main.py",
        "            over = over or self._passed_at_last()\n",
        "",
        (
            "tests/escape/test_escapes.py::test_is_held[ordinary-Fill-the-disk-in-no-time-and-end-before-anybody-has-looked]",
        ),
    ),
    Mutant(
        "socket buffers stay small",
        "agent/sandbox/seccomp.py",
        "    yield from _buffers()\n",
        "",
        (
            "tests/escape/test_escapes.py::test_is_held[ordinary-Fill-pipes-and-sockets-in-many-processes-memory-that-belongs-to-no-process]",
        ),
    ),
    Mutant(
        "a uid of the jail's own",
        "agent/warden/start.py",
        "            become(orders.uid)\n",
        "            pass\n",
        ("tests/escape/test_escapes.py::test_is_held[root-Run-with-the-uid-of-the-service]",),
    ),
    Mutant(
        "children are started without a copy of the process",
        "orchestrator/children.py",
        "popen._execute_child, popen._close_pipe_fds = execute_child, close_pipe_fds",
        "pass",
        ("tests/orchestrator/test_children.py",),
    ),
)
