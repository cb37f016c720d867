"""The mechanisms of docs/reliability.md, and how each is switched off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final


class DoesNotFit(Exception):
    """The text to be replaced stands not exactly once in its file: the list must follow the code."""


@dataclass(frozen=True)
class Mutant:
    name: str
    path: str
    text: str
    replacement: str
    tests: tuple[str, ...]

    def apply(self, tree: Path) -> None:
        """Raises DoesNotFit."""
        file = tree / self.path
        source = file.read_text()
        if source.count(self.text) != 1:
            raise DoesNotFit(f"{self.name}: {self.text!r} stands {source.count(self.text)} times in {self.path}")
        file.write_text(source.replace(self.text, self.replacement))


MUTANTS: Final = (
    # Results on their way out.
    Mutant(
        "a result that nobody takes",
        "orchestrator/destinations/deliveries.py",
        "if not emit.tries.is_last:",
        "if True:",
        ("tests/destinations/test_deliveries.py",),
    ),
    Mutant(
        "errors are put on the list",
        "orchestrator/runlog/log.py",
        "if self._reports_errors:",
        "if False:",
        ("tests/destinations/test_error_reports.py",),
    ),
    Mutant(
        "told once",
        "orchestrator/runlog/untold.py",
        "if not self._redis.exists(told(run_id)):",
        "if True:",
        ("tests/destinations/test_error_reports.py",),
    ),
    # Steps, exactly once.
    Mutant(
        "memo",
        "orchestrator/runlog/scripts/begin.lua",
        "if result then return { 'done', result } end",
        "",
        ("tests/reliability/test_memo.py",),
    ),
    Mutant(
        "what a step overwrites is kept",
        "orchestrator/runlog/scripts/commit.lua",
        "redis.call('HSET', UNDO, place .. ' ' .. path, old)",
        "",
        ("tests/orchestrator/test_past.py",),
    ),
    Mutant(
        "only what stands is taken over",
        "orchestrator/runlog/past.py",
        '(event.get("step"), event.get("attempt")) in attempts or',
        "True or",
        ("tests/orchestrator/test_past.py",),
    ),
    Mutant(
        "a removed run's id stays taken",
        "orchestrator/runlog/scripts/remove.lua",
        "redis.call('HSET', RUN, 'removed', clock_ms())",
        "",
        ("tests/http/test_remove.py",),
    ),
    Mutant(
        "fence",
        "orchestrator/runlog/scripts/_run.lua",
        "if state[2] ~= attempt or state[6] == attempt then return state, { 'stale', '' } end",
        "",
        ("tests/reliability/test_fence.py",),
    ),
    Mutant(
        "rollback",
        "orchestrator/runlog/scripts/begin.lua",
        "publish(redis.call('HGET', RUN, 'last'), { body })",
        "",
        ("tests/reliability/test_overlapping_attempts.py",),
    ),
    Mutant(
        "interrupted calls are counted",
        "orchestrator/runlog/scripts/begin.lua",
        "redis.call('HINCRBY', RUN, 'interrupted:' .. STEP, 1)",
        "local nothing = 0",
        ("tests/reliability/test_crash_sweep.py",),
    ),
    Mutant(
        "a run is compared with what it began with",
        "orchestrator/runlog/projects.py",
        "return NOTHING if pin is None else pin.decode().split()[1]",
        "return self.head(project_id)",
        ("tests/reliability/test_crash_sweep.py",),
    ),
    Mutant(
        "appends are idempotent",
        "orchestrator/runlog/scripts/_run.lua",
        "if done >= first_number then fresh = { unpack(bodies, done - first_number + 2) } end",
        "",
        ("tests/reliability/test_append.py",),
    ),
    Mutant(
        "replies of those who are gone keep their place",
        "orchestrator/runlog/wire.py",
        "            self.is_open = False\n            _wake(call, Redis",
        "            self.is_open = False\n            self._calls.remove(call)\n            _wake(call, Redis",
        ("tests/orchestrator/test_commands.py",),
    ),
    Mutant(
        "a connection that owes a reply takes no more calls",
        "orchestrator/runlog/wire.py",
        "            self.is_open = False\n            _wake(call, Redis",
        "            _wake(call, Redis",
        ("tests/orchestrator/test_commands.py",),
    ),
    Mutant(
        "one terminal event",
        "orchestrator/runlog/scripts/end.lua",
        "if ENDED[state[1]] then return { 'ended', engine, project } end",
        "",
        ("tests/reliability/test_fence.py",),
    ),
    Mutant(
        "a commit renews all keys",
        "orchestrator/runlog/scripts/_run.lua",
        "if now - kept > TTL / KEPT_EVERY then keep_alive(now) end",
        "",
        ("tests/orchestrator/test_run_log.py",),
    ),
    Mutant(
        "a run may store so much",
        "orchestrator/runlog/scripts/_run.lua",
        "return state[2] and tonumber(state[1] or '0') > tonumber(state[2])",
        "return false",
        ("tests/http/test_too_many_runs.py",),
    ),
    # Engines.
    Mutant(
        "take over from a dead process",
        "orchestrator/runlog/scripts/claim.lua",
        "local is_free = lease > 0 and tonumber(state[5] or '0') <= now",
        "local is_free = false",
        ("tests/reliability/test_takeover.py",),
    ),
    Mutant(
        "a message is not added twice",
        "orchestrator/runlog/scripts/say.lua",
        "if before then",
        "if false then",
        ("tests/http/test_steering.py",),
    ),
    Mutant(
        "a run does not end before it has heard all",
        "orchestrator/runlog/scripts/hear.lua",
        "for number = heard + 1, count do",
        "for number = heard + 1, ARGV[8] == 'leave' and 0 or count do",
        ("tests/http/test_steering.py",),
    ),
    Mutant(
        "what was heard is part of the reply",
        "agent/conversation.py",
        "self.messages = with_words(self.messages, reply.heard)",
        "pass",
        ("tests/agent/test_steering.py",),
    ),
    Mutant(
        "an answer is found by the step that asked",
        "orchestrator/runlog/scripts/ask.lua",
        "if answer then return { 'answered', answer } end",
        "",
        ("tests/orchestrator/test_approvals.py",),
    ),
    Mutant(
        "an answer counts once",
        "orchestrator/runlog/scripts/answer.lua",
        "if before then return { 'answered', before } end",
        "",
        ("tests/orchestrator/test_approvals.py",),
    ),
    Mutant(
        "a run that waits is kept",
        "orchestrator/runlog/scripts/ask.lua",
        "for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[8]) end",
        "",
        ("tests/reliability/test_approval.py",),
    ),
    Mutant(
        "waiting takes no time",
        "orchestrator/runlog/scripts/move.lua",
        "redis.call('HINCRBY', RUN, 'waited', now - state[2])",
        "",
        ("tests/reliability/test_approval.py",),
    ),
    Mutant(
        "an answer is no loss of an engine",
        "orchestrator/runlog/scripts/move.lua",
        "elseif state[4] ~= 'held' then",
        "end\nif true then",
        ("tests/reliability/test_approval.py",),
    ),
    Mutant(
        "an answer whose process died",
        "orchestrator/engines/watch.py",
        "        self._waiting.look()\n",
        "",
        ("tests/reliability/test_approval.py",),
    ),
    Mutant(
        "an execution that fails ends no run that waits",
        "orchestrator/engines/inngest/functions/ending.py",
        ' and record.fields["engine"] == "inngest"',
        "",
        ("tests/reliability/test_approval.py",),
    ),
    Mutant(
        "a run on its way back is in some queue",
        "orchestrator/engines/direct.py",
        "                pass  # the watch takes it out",
        "                self._log.queue.remove(self.name, run_id)  # the watch takes it out",
        ("tests/orchestrator/test_approvals.py",),
    ),
    Mutant(
        "what is not allowed is not done",
        "agent/tools/__init__.py",
        "    if context.refusal:",
        "    if False:",
        ("tests/agent/test_approval.py",),
    ),
    Mutant(
        "hand over on drain",
        "orchestrator/engines/direct.py",
        "            self._lease(run_id, 0.001)",
        "            pass",
        ("tests/reliability/test_drain.py",),
    ),
    Mutant(
        "a cancelled step looks up",
        "orchestrator/steps/emitter.py",
        "            self._log.fence(*self._place)",
        "            pass",
        ("tests/reliability/test_cancel.py",),
    ),
    Mutant(
        "one key, one run",
        "orchestrator/idempotency.py",
        "return first_run",
        "return run_id",
        ("tests/http/test_idempotency.py",),
    ),
    # Viewers and Redis.
    Mutant(
        "read again after a reconnect",
        "orchestrator/hub/hub.py",
        "self._look_after(tuple(watched.viewers), Viewer.fall_behind)",
        "pass",
        ("tests/orchestrator/test_hub_reconnects.py",),
    ),
    Mutant(
        "compare with the log where it was read before its channel was heard",
        "orchestrator/hub/follower.py",
        "            self._hub.prove(run_id)",
        "            pass",
        ("tests/orchestrator/test_hub_reconnects.py",),
    ),
    Mutant(
        "give up a dead connection",
        "orchestrator/hub/connection.py",
        "self._socket.shutdown(socket.SHUT_RDWR)",
        "pass",
        ("tests/orchestrator/test_hub_reconnects.py",),
    ),
    Mutant(
        "see who has gone",
        "orchestrator/hub/parking.py",
        "ROOM | GONE | EDGES",
        "ROOM | EDGES",
        ("tests/orchestrator/test_parking.py",),
    ),
    Mutant(
        "go on when a socket has room",
        "orchestrator/hub/parking.py",
        "else parked.flush()",
        "else None",
        ("tests/orchestrator/test_parking.py",),
    ),
    Mutant(
        "keep what came with a stream's request",
        "orchestrator/web/gunicorn_worker.py",
        "req.unreader.take_buffered()",
        'b""',
        ("tests/http/test_open_streams.py",),
    ),
    Mutant(
        "pages by bytes",
        "orchestrator/runlog/scripts/read.lua",
        "if size > room and #page > HEAD then return page end",
        "",
        ("tests/orchestrator/test_pages.py",),
    ),
    Mutant(
        "hang up on who does not read",
        "orchestrator/hub/hub.py",
        "            viewer.hang_up()",
        "            pass",
        ("tests/reliability/test_viewers_that_do_not_read.py",),
    ),
    Mutant(
        "leave a demoted primary",
        "orchestrator/runlog/address.py",
        "epoch.number += 1",
        "pass",
        ("tests/orchestrator/test_address.py",),
    ),
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
    # Models and endings.
    Mutant(
        "a failed attempt writes nothing more",
        "orchestrator/runlog/scripts/_run.lua",
        " or state[6] == attempt then",
        " then",
        ("tests/reliability/test_run_log_model.py",),
    ),
    Mutant(
        "a new id is a new call",
        "agent/models/assembly.py",
        " or (id and call.id and id != call.id)",
        "",
        ("tests/agent/test_openai_chat.py",),
    ),
    Mutant(
        "a filtered answer is a refusal",
        "agent/models/openai_chat.py",
        '    "content_filter": "refused",\n',
        "",
        ("tests/agent/test_faults.py",),
    ),
    Mutant(
        "a cut answer goes on",
        "agent/conversation.py",
        '        elif reply.stop == "length":\n            self._note(prompts.CONTINUE)\n',
        "",
        ("tests/agent/test_endings.py",),
    ),
    Mutant(
        "nothing changed is not done",
        "agent/outcome.py",
        'return "done" if has_changes else "nothing-to-do"',
        'return "done"',
        ("tests/agent/test_faults.py",),
    ),
    Mutant(
        "a full conversation is compacted",
        "agent/conversation.py",
        "return self.size > self._context * FULL",
        "return False",
        ("tests/agent/test_compaction.py",),
    ),
    Mutant(
        "the last turn is announced",
        "agent/budget.py",
        "return Standing(LAST.format(reason=reason), True)",
        'return Standing("", True)',
        ("tests/agent/test_endings.py",),
    ),
    Mutant(
        "the fallback takes the last attempt",
        "agent/asking.py",
        " and emit.tries.is_last:",
        " and False:",
        ("tests/agent/test_endings.py",),
    ),
    Mutant(
        "used-up quota is permanent",
        "agent/models/faults.py",
        "        if self._wants_pay:",
        "        if False:",
        ("tests/agent/test_remote_model.py",),
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
    # Engines that die.
    Mutant(
        "refuse who has the run no more",
        "orchestrator/runlog/scripts/begin.lua",
        "if (run[2] or '') ~= ARGV[7] then return { 'moved', run[2] or '' } end",
        "",
        ("tests/orchestrator/test_run_log.py",),
    ),
    Mutant(
        "keep a silent step's lease",
        "orchestrator/steps/heart.py",
        "self._log.fence(*place)",
        "pass",
        ("tests/reliability/test_heart.py",),
    ),
    Mutant(
        "move a run that stands still",
        "orchestrator/engines/watch.py",
        "                self._look_at_still(scene, engine)",
        "                pass",
        ("tests/reliability/test_failover.py",),
    ),
    Mutant(
        "leave a run alone whose engine is busy",
        "orchestrator/engines/watch.py",
        "                self._busy_at[name] = began\n",
        "",
        ("tests/reliability/test_failover.py",),
    ),
    Mutant(
        "never save over a newer run's files",
        "orchestrator/runlog/scripts/project/_project.lua",
        "if saved and tonumber(saved) > tonumber(CREATED) then return 'newer' end",
        "",
        ("tests/reliability/test_overlapping_runs.py",),
    ),
    # Frontends.
    Mutant(
        "a chat's answer is followed by what was not shown yet",
        "orchestrator/formats/ai_sdk.py",
        'if asked["approvalId"] == self._shown:',
        "if True:",
        ("tests/formats/test_real_clients.py",),
    ),
    Mutant(
        "an approval that has its answer holds up no replay",
        "orchestrator/formats/ai_sdk.py",
        'is_history = event.get("id", 0) < self._last',
        "is_history = False",
        ("tests/formats/test_real_clients.py",),
    ),
    Mutant(
        "who says something else is not held up by an approval",
        "orchestrator/web/chat.py",
        "            self._move_on(latest, asked.messages)",
        "            pass",
        ("tests/http/test_chat_approval.py",),
    ),
)
