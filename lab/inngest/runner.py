"""Drives one run to its end: call, memoise what comes back, call again."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lab.inngest.caller import DISCOVERY, Caller, Lost, Overtaken, step_name
from lab.inngest.model import COMPLETED, FAILED, RUNNING, Json, Run
from lab.inngest.reply import Reply, error_of, no_answer


class Ended(Exception):
    """The run is over (finished, failed, cancelled, or the executor stops)."""


class Runner:
    """Works in a thread of its own. `finish` records how the run ended; `open_for_work` blocks during an outage."""

    def __init__(
        self,
        run: Run,
        caller: Caller,
        finish: Callable[[Run, str, Any], None],
        open_for_work: Callable[[], None],
        *,
        retry_delay: float,
        minimum_retry_after: float,
    ) -> None:
        self._run = run
        self._caller = caller
        self._finish = finish
        self._open_for_work = open_for_work
        self._retry_delay = retry_delay
        self._minimum_retry_after = minimum_retry_after
        self.thread = threading.Thread(target=self._drive, name=f"inngest-run-{run.id}", daemon=True)

    def _drive(self) -> None:
        pending = [DISCOVERY]
        try:
            while True:
                target = pending.pop(0) if pending else DISCOVERY
                reply, final = self._attempt_until_settled(target)
                pending += self._apply(reply, final)
        except Ended:
            return

    def _attempt_until_settled(self, target: str) -> tuple[Reply, bool]:
        """Call until there is an answer to go on with; also says whether it was the last attempt."""
        attempt = 0
        while True:
            final = attempt + 1 >= self._run.function.max_attempts
            try:
                reply = self._call(target, attempt)
            except Overtaken:
                delay: float = 0.0
            except Lost as error:
                if final:
                    self._end(FAILED, no_answer(str(error)))
                delay = self._retry_delay
            else:
                if not self._should_retry(reply, final):
                    return reply, final
                delay = self._delay_of(reply)
            attempt += 1
            self._sleep(delay)

    def _call(self, target: str, attempt: int) -> Reply:
        self._go_on()
        slots = self._run.function.slots
        if slots:
            slots.acquire()
        try:
            return self._caller.call(self._run, target, attempt)
        finally:
            if slots:
                slots.release()

    def _should_retry(self, reply: Reply, final: bool) -> bool:
        failed = not reply.is_success or any(op["op"] == "StepError" for op in reply.operations)
        return failed and not final and not reply.no_retry

    def _delay_of(self, reply: Reply) -> float:
        if reply.retry_after is None:
            return self._retry_delay
        return max(reply.retry_after, self._minimum_retry_after)

    def _apply(self, reply: Reply, final: bool) -> list[str]:
        """Take over what the app reported; returns the steps it planned, to be called one by one."""
        self._go_on()  # what a cancelled run still answers is ignored
        if not reply.is_success:
            self._end(FAILED, error_of(reply.body))
        if reply.status != 206:
            self._end(COMPLETED, reply.body)
        return [step for operation in reply.operations if (step := self._operate(operation))]

    def _operate(self, operation: Json) -> str | None:
        step = operation["id"]
        match operation["op"]:
            case "StepRun" | "Step":
                self._memoise(operation, {"data": operation.get("data")})
            case "StepError" | "StepFailed":
                self._memoise(operation, {"error": operation["error"]})
            case "Sleep":
                self._sleep(_seconds_until(operation["name"]))
                self._memoise(operation, None)
            case "StepPlanned":
                self._run.planned = True
                return str(step)
            case other:
                self._end(FAILED, error_of({"message": f"the test executor does not know opcode {other!r}"}))
        return None

    def _memoise(self, operation: Json, value: Any) -> None:
        """The first result of a step stays, whatever comes later."""
        self._run.names.setdefault(operation["id"], step_name(operation))
        self._run.steps.setdefault(operation["id"], value)

    def _sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._go_on()
            time.sleep(min(left, 0.05))

    def _go_on(self) -> None:
        self._open_for_work()
        if self._run.status != RUNNING:
            raise Ended

    def _end(self, status: str, output: Any) -> None:
        self._finish(self._run, status, output)
        raise Ended


def _seconds_until(iso_time: str) -> float:
    return (datetime.fromisoformat(iso_time) - datetime.now(UTC)).total_seconds()
