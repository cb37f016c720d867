"""What a step's body is given to publish with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from agent.entries import Entry, LeftOut
from agent.errors import Cancelled
from agent.pace import Pace
from agent.protocols import Tries
from orchestrator.drain import Drain
from orchestrator.events import encode_body
from orchestrator.patience import AWAY, patiently
from orchestrator.redact import Redactor
from orchestrator.runlog import RunLog
from orchestrator.steps.clip import clip_event
from orchestrator.steps.coalesce import STREAMED, Draft, Window
from orchestrator.steps.seams import HOLD_SECONDS, Seams

T = TypeVar("T")

CHECK_SECONDS: Final = 0.5
"""How often an attempt that is silent asks whether it is still wanted; a cancel must be seen within 2 s."""

LARGEST_BATCH: Final = 200
"""Events in one call of the append script; Redis does nothing else meanwhile."""


GATHERED: Final = ("file-created", "file-updated", "file-deleted")
"""Events that come in their thousands, right before the end of their step."""

SEARCHED: Final = 8
"""Masking takes about so many times as long as hashing: a file is searched for each secret."""

FIRST: Final = Tries()


@dataclass(frozen=True)
class EmitterSettings:
    redact: Redactor
    drain: Drain
    coalesce: float = 0.03
    coalesce_max: float = 0.2
    max_bytes: int = 262_144


class Emitter:
    """Publishes the events of one attempt; implements ``agent.protocols.Emit``.

    Streamed text waits a little and leaves with what follows; anything else leaves at once, in order. In all that
    is stored, events, files and the result, secrets are masked.
    """

    def __init__(
        self, log: RunLog, run_id: str, step: str, attempt: int, settings: EmitterSettings, tries: Tries = FIRST
    ) -> None:
        self.tries = tries
        self._log = log
        self._place = (run_id, step, attempt)
        self.attempt = attempt
        self._settings = settings
        self._seams = Seams(settings.redact)
        self._window = Window(settings.coalesce, settings.coalesce_max)
        self._drafts: list[Draft] = []
        self._changes: dict[str, Entry | None] = {}
        self._left_out: list[LeftOut] = []
        self._keeps = False
        self._sent = 0
        self._sending = threading.RLock()
        self._asked = time.monotonic()
        self._failure: Exception | None = None
        self._due = threading.Event()
        self._closed = False
        self._flusher: threading.Thread | None = None

    def __call__(self, type: str, data: Any) -> None:
        with self._sending:
            self._raise_failure()
            if type not in STREAMED:
                self._draft_held()
                self._draft(type, data)
            elif (visible := self._seams.join(type, data)) is not None:
                self._draft(type, visible)
            now = time.monotonic()
            if type in GATHERED and len(self._drafts) < LARGEST_BATCH:
                self._flush_later()
            elif type not in STREAMED or (self._drafts and self._window.due(now) <= now):
                self.flush()
            if self._drafts or self._seams.patience() is not None:
                self._flush_later()

    def keep(self, changes: Mapping[str, Entry | None], left_out: Sequence[LeftOut] = ()) -> None:
        redact, pace = self._settings.redact, Pace()
        for path, entry in changes.items():
            masked = None if entry is None else Entry(redact.content(entry.content), entry.kind)
            self._changes[redact.name(path)] = masked
            pace(len(entry.content) * SEARCHED if entry else 0)
        self._left_out = [replace(item, path=redact.name(item.path)) for item in left_out]
        self._keeps = True

    def check(self) -> None:
        self._raise_failure()
        self._settings.drain.check()
        now = time.monotonic()
        if now - self._asked < CHECK_SECONDS:
            return
        self._asked = now
        with suppress(*AWAY):  # no answer is no refusal; the next write waits for one
            self._log.fence(*self._place)

    def flush(self) -> None:
        """Store and publish all that waits, but for what may be the beginning of a secret."""
        with self._sending:
            while self._drafts:
                batch = self._drafts[:LARGEST_BATCH]
                self._write(self._log.append, self._sent + 1, [self._encode(draft) for draft in batch])
                del self._drafts[: len(batch)]
                self._sent += len(batch)
                self._window.sent(time.monotonic(), streamed=batch[-1].type in STREAMED)

    def commit(self, result: Any) -> Any:
        """Finish the step: what waits, the kept files and the result, all or nothing; returns the stored result."""
        with self._sending:
            self._raise_failure()
            self._draft_held()
            if len(self._drafts) > LARGEST_BATCH:
                self.flush()
            bodies = [self._encode(draft) for draft in self._drafts]
            result = self._settings.redact.value(result)
            stored = self._write(self._log.commit, result, self._sent + 1, bodies, self._fields())
            self._drafts = []
            return stored

    def _fields(self) -> dict[str, bytes | None]:
        """What has to be stored of the kept files."""
        if not self._keeps:
            return {}
        run_files, check = self._log.run_files, self._settings.drain.check
        return patiently(run_files.fields, self._place[0], self._changes, self._left_out, check=check)

    def abandon(self) -> None:
        """Drop what waits: the attempt has failed, and nothing of it may follow its rollback."""
        with self._sending:
            self._drafts = []
            self.close()

    def close(self) -> None:
        self._closed = True
        self._due.set()

    def _draft(self, type: str, data: Any) -> None:
        if not (self._drafts and self._drafts[-1].absorb(type, data)):
            self._drafts.append(Draft(type, data))

    def _draft_held(self, before: float = float("inf")) -> None:
        for type, data in self._seams.release(before):
            self._draft(type, data)

    def _encode(self, draft: Draft) -> str:
        data = draft.data if draft.type in STREAMED else self._settings.redact.value(draft.data)
        data, beside = clip_event(
            draft.type, data, self._settings.max_bytes
        )  # after masking: half a secret is one, too
        run_id, step, attempt = self._place
        return encode_body(run_id, draft.type, data, step, attempt, beside)

    def _write(self, write: Callable[..., T], *args: Any) -> T:
        try:
            answer = patiently(write, *self._place, *args, check=self._settings.drain.check)
        except Exception as error:
            self._failure = error  # whichever thread met it: this attempt writes nothing more
            raise
        self._asked = time.monotonic()
        return answer

    def _flush_later(self) -> None:
        if self._flusher is None:
            self._flusher = threading.Thread(target=self._keep_flushing, name=f"flush-{self._place[1]}", daemon=True)
            self._flusher.start()
        self._due.set()

    def _keep_flushing(self) -> None:
        while not (self._closed or self._failure):
            with self._sending:
                patience = self._seams.patience()
            self._due.wait(patience)
            self._due.clear()
            wait = self._window.due(time.monotonic()) - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            with suppress(Exception), self._sending:  # it is kept, and raised where the body can see it
                if not self._closed:
                    self._draft_held(before=time.monotonic() - HOLD_SECONDS)
                    self.flush()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise Cancelled("this step is over; its emit is of no use any more")
