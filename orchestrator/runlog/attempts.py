"""What an attempt of a step writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator import metrics
from orchestrator.events import dumps, encode_body, encode_head, encode_place
from orchestrator.runlog.calls import NO_STEP, flat
from orchestrator.runlog.parts import Parts
from orchestrator.runlog.record import NOBODY, Begun
from orchestrator.runlog.refusals import RunTooLarge, refusal


class Attempts(Parts):
    """Begin, append, and commit or retry."""

    def begin(self, run_id: str, step: str, engine_attempt: int, nonce: str, execution: str = NOBODY) -> Begun:
        """Start an attempt: earlier ones turn stale, and what they published is rolled back.

        Raises RunMissing, RunEnded, RunMoved (``execution`` has not claimed the run, or has it no more), AttemptStale
        (``engine_attempt`` is older than one that has started).
        """
        head, tail = _rollback(run_id, step, "the attempt did not finish")
        outcome, detail = self._call("begin", run_id, step, execution, engine_attempt, nonce, head, tail)
        if outcome == "done":
            return Begun(attempt=0, result=json.loads(detail), done=True)
        if outcome != "go":
            raise refusal(outcome, detail)
        attempt, failed, interrupted, spent, rolled_back = map(int, detail.split())
        return Begun(attempt, failed, interrupted, spent, bool(rolled_back))

    def append(self, run_id: str, step: str, attempt: int, number: int, bodies: Sequence[str]) -> None:
        """Store and publish events; ``number`` counts the attempt's events from 1 and makes a repeat harmless.

        Raises RunMissing, RunEnded, AttemptStale, LogFull, RunTooLarge.
        """
        outcome, detail = self._call("append", run_id, step, attempt, number, *bodies)
        if outcome == "full":
            raise RunTooLarge
        if outcome != "ok":
            raise refusal(outcome, detail)
        metrics.EVENTS_APPENDED.inc(len(bodies))

    def fence(self, run_id: str, step: str, attempt: int) -> None:
        """Raise RunMissing, RunEnded or AttemptStale where this attempt may not write."""
        self.append(run_id, step, attempt, 1, [])

    def commit(
        self,
        run_id: str,
        step: str,
        attempt: int,
        result: Any,
        number: int,
        bodies: Sequence[str],
        changes: Mapping[str, bytes | None],
    ) -> Any:
        """Finish a step: its last events, its changed files (None: deleted) and its result, all or nothing.

        Returns the step's stored result: another attempt's, where that one was first. Raises what ``append`` raises.
        """
        kept = {path: content for path, content in changes.items() if content is not None}
        deleted = [path for path, content in changes.items() if content is None]
        args = [dumps(result), number, len(bodies), *bodies, len(kept), *flat(kept), *deleted]
        outcome, detail = self._call("commit", run_id, step, attempt, *args)
        if outcome == "done":
            return json.loads(detail)
        if outcome == "full":
            raise RunTooLarge
        if outcome != "ok":
            raise refusal(outcome, detail)
        metrics.EVENTS_APPENDED.inc(len(bodies))
        return result

    def retry(self, run_id: str, step: str, attempt: int, reason: str, again: str, spent: int) -> bool:
        """An attempt failed for ``reason``: roll back what it has published, tell viewers when it is tried ``again``.

        ``spent``: tokens it had used. Returns whether it had published anything. Raises RunMissing, RunEnded,
        AttemptStale, LogFull.
        """
        reason = self.redact(reason)
        head, tail = _rollback(run_id, step, reason)
        status = encode_body(run_id, "status", f"{reason}; {again}", step, attempt + 1)
        outcome, detail = self._call("retry", run_id, step, attempt, head, tail, status, spent)
        if outcome != "ok":
            raise refusal(outcome, detail)
        return bool(detail)

    def rest(self, run_id: str, execution: str, seconds: float) -> None:
        """A step failed and is tried again in ``seconds``: until then silence is in order. Raises Refused."""
        outcome, detail = self._call("rest", run_id, NO_STEP, execution, int(seconds * 1000))
        if outcome != "ok":
            raise refusal(outcome, detail)


def _rollback(run_id: str, step: str, reason: str) -> tuple[str, str]:
    """A rollback event's body up to its ids and attempt numbers, and from there: only the script knows them."""
    head = f'{encode_head(run_id, "rollback")},"data":{{"step":{dumps(step)},"reason":{dumps(reason)},'
    return head, f"}},{encode_place(step)}"
