"""Where attempts are played: a sandbox of its own for each, as a run has one, and the host around it."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from agent.protocols import Sandbox
from agent.sandbox import Network, open_sandbox, remove_workspace
from tests.escape import eyes, traces
from tests.escape.attempt import (
    BESIDE,
    HANDLE,
    NEIGHBOUR_PORT,
    STAYS,
    TIME,
    Attempt,
    Ending,
    Outcome,
    Verdict,
    command_of,
    judge,
)
from tests.escape.budgets import BUDGET, MOST_MOVED, SMALL, STILL_RUNS, ended_as, stopped_by
from tests.escape.bystander import Bystander
from tests.escape.eyes import nobody_asks

GONE_SECONDS = 2.0
"""How long after its end a command's traces may take to vanish."""
POLL_SECONDS = 0.02
MOST_SECONDS = 600.0
"""For a process in the background: nothing here may depend on its time being over."""
MOST_HEARD = 1 << 20
"""Characters of a command's output that are kept here."""


class Stage:
    """Plays one attempt; `user` is only a name for the table."""

    def __init__(self, folder: Path, host: Bystander, user: str) -> None:
        self.folder = folder
        self.host = host
        self.user = user
        self.run_id = f"run_{secrets.token_hex(8)}"
        self._open = ExitStack()
        self.sandbox = self._open.enter_context(opened(folder, self.run_id, host.allow))

    def play(self, kind: str, attempt: Attempt) -> Outcome:
        started = time.monotonic()
        before, held = len(self.host.reached), traces.held_here()
        got_out: list[str] = []
        stop = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(attempt, got_out, stop))
        watcher.start()
        try:
            ending = self.run(attempt)
        finally:
            stop.set()
            watcher.join()
        got_out += self._seen_after(attempt, ending, before)
        verdict, why = judge(attempt, ending, got_out[0] if got_out else None)
        left = self._left(held)
        if left and verdict is not Verdict.ESCAPED:
            verdict, why = Verdict.LEFTOVER, left
        return Outcome(attempt.name, kind, self.user, verdict, why, time.monotonic() - started, ending.late)

    def warm_up(self) -> None:
        """Let what is made once per process be made, so that it is not taken for something left."""
        with self.sandbox.hold(nobody_asks):
            self.sandbox.run("true", timeout=10, on_output=lambda source, chunk: None, check=nobody_asks)
            eyes.look(self.sandbox)
        self.close()

    def run(self, attempt: Attempt) -> Ending:
        command = command_of(attempt, self.host.facts(self.folder, self.run_id), BUDGET)
        clock = Clock()
        started = time.monotonic()
        with self.sandbox.hold(nobody_asks), self._neighbour(attempt):
            if attempt.where == "background":
                exit_code, stopped = self._follow(attempt, command, clock)
            else:
                if attempt.where == "beside":
                    self._start(BESIDE)
                result = self.sandbox.run(command, timeout=attempt.seconds, on_output=clock.hear, check=nobody_asks)
                exit_code, stopped = result.exit_code, stopped_by(result)
        seconds = time.monotonic() - started
        late = clock.since_passing() if stopped and TIME not in stopped else None
        return Ending("".join(clock.heard), seconds, exit_code, stopped, late)

    def _start(self, command: str) -> None:
        if failure := self.sandbox.background.start(HANDLE, command, timeout=MOST_SECONDS):
            raise RuntimeError(failure)

    def _follow(self, attempt: Attempt, command: str, clock: Clock) -> tuple[int | None, str | None]:
        """Its exit code, 0 where it still runs, and what stopped it."""
        self._start(command)
        give_up = time.monotonic() + attempt.seconds
        since: int | None = None
        while process := self.sandbox.background.look(HANDLE, reader="stage", since=since):
            since = process.next
            clock.hear("stdout", process.output)
            if process.ended is not None or clock.heard_that_it_stays or time.monotonic() > give_up:
                return ended_as(process.ended or STILL_RUNS)
            time.sleep(POLL_SECONDS)
        raise RuntimeError("nothing is known of it")

    @contextmanager
    def _neighbour(self, attempt: Attempt) -> Iterator[None]:
        """Another run that serves."""
        if not attempt.neighbour:
            yield
            return
        other = Stage(self.folder, self.host, self.user)
        try:
            with other.sandbox.hold(nobody_asks):
                other._start(f"exec python3 -m http.server {NEIGHBOUR_PORT}")
            yield
        finally:
            other.close()

    def files(self) -> Iterator[tuple[Path, int, int]]:
        """All that lies in the workspace as the host sees it: path, mode, owner."""
        for folder, folders, names in os.walk(eyes.workspace_folder(self.folder, self.run_id)):
            for name in (*folders, *names):
                with suppress(OSError):
                    status = os.lstat(os.path.join(folder, name))
                    yield Path(folder, name), status.st_mode, status.st_uid

    def processes(self) -> list[int]:
        return traces.processes(self.run_id)

    def close(self) -> None:
        """What a service does when the run has ended."""
        self._open.close()
        remove_workspace("bubblewrap", self.folder, self.run_id)

    def _watch(self, attempt: Attempt, got_out: list[str], stop: threading.Event) -> None:
        while attempt.meanwhile and not got_out and not stop.wait(POLL_SECONDS):
            with suppress(OSError):  # processes end while they are looked at
                got_out += filter(None, [attempt.meanwhile(self)])

    def _seen_after(self, attempt: Attempt, ending: Ending, before: int) -> Iterator[str]:
        if self.host.secret in ending.output:
            yield "a secret of the host came out"
        yield from (f"reached {door}" for door in self.host.reached[before:])
        if attempt.after and (got_out := attempt.after(self)):
            yield got_out

    def _left(self, held: int) -> str | None:
        """What is left when the run is over and its workspace removed; `held` here before it began."""
        self.close()
        left = until_empty(lambda: list(traces.left_behind(self.run_id, held)))
        left += [f"{path} of the workspace" for path in self.folder.glob(f"*{self.run_id}*")]
        return f"{len(left)} left: {left[0]}" if left else None


class Clock:
    """Hears what a command says, and remembers when it first had more than a budget (``PASSED`` of inside.py)."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._room = MOST_HEARD
        self._tail = ""
        self._passed: float | None = None
        self.heard_that_it_stays = False

    def hear(self, source: str, chunk: str) -> None:
        self.heard.append(chunk[: self._room])
        self._room -= len(self.heard[-1])
        if self._passed is None and "PASSED" in self._tail + chunk:
            self._passed = time.monotonic()
        self.heard_that_it_stays |= STAYS in self._tail + chunk
        self._tail = chunk[-len("PASSED") :]

    def since_passing(self) -> float | None:
        return None if self._passed is None else time.monotonic() - self._passed


@contextmanager
def opened(folder: Path, run_id: str, allow: str = "") -> Iterator[Sandbox]:
    """A jail with the small budgets of these attempts. ``allow``: hosts that its commands may reach."""
    yield open_sandbox("bubblewrap", folder, run_id, SMALL, network=Network(allow, MOST_MOVED))


def until_empty(look: Callable[[], list[str]], seconds: float = GONE_SECONDS) -> list[str]:
    """What `look` still finds after so many seconds."""
    deadline = time.monotonic() + seconds
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found
