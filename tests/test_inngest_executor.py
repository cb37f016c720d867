"""The test executor does what Inngest does, shown with the real SDK in a tiny app."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import inngest
import pytest

from lab.inngest import InngestExecutor
from lab.inngest.faults import after_step, first_call
from lab.inngest.model import CANCELLED, COMPLETED, FAILED
from tests.tiny_app import TinyApp
from tools.processes import wait_until


@pytest.fixture
def app(executor: InngestExecutor) -> TinyApp:
    return TinyApp(executor)


@pytest.fixture
def served(app: TinyApp, request: pytest.FixtureRequest) -> Iterator[Callable[[], None]]:
    """Starts serving the functions that the test has defined by then."""
    running: list[Iterator[None]] = []

    def start() -> None:
        running.append(app.serve())
        next(running[-1])

    yield start
    for each in running:
        next(each, None)


Serve = Callable[[], None]


def three_steps(app: TinyApp) -> Callable[[inngest.ContextSync], Any]:
    return lambda ctx: [ctx.step.run(name, app.step(name, name.upper())) for name in ("a", "b", "c")]


def test_each_step_takes_one_call_and_the_result_arrives(
    app: TinyApp, executor: InngestExecutor, served: Serve
) -> None:
    app.function(three_steps(app))
    served()
    run = app.run()
    assert (run.status, run.output) == (COMPLETED, ["A", "B", "C"])
    assert app.step_counts == {"a": 1, "b": 1, "c": 1}
    calls = executor.calls_of(run.id)
    assert [call.steps_run for call in calls] == [("a",), ("b",), ("c",), ()]
    assert [call.known for call in calls] == [(), ("a",), ("a", "b"), ("a", "b", "c")]
    assert [call.status for call in calls] == [206, 206, 206, 200]


def test_a_step_error_is_tried_again_and_then_given_to_the_function(app: TinyApp, served: Serve) -> None:
    def fail() -> None:
        raise ValueError("no")

    def body(ctx: inngest.ContextSync) -> str:
        try:
            ctx.step.run("bad", fail)
        except inngest.StepError as error:
            return f"caught {error.message}"
        return "not reached"

    app.function(body)
    served()
    assert app.run().output == "caught no"
    assert app.attempts == [0, 1, 0]


def test_retry_after_decides_the_delay(app: TinyApp, executor: InngestExecutor, served: Serve) -> None:
    def body(ctx: inngest.ContextSync) -> str:
        if ctx.attempt == 0:
            raise inngest.RetryAfterError("busy", timedelta(seconds=1))
        return "done"

    app.function(body)
    served()
    run = app.run()
    first, second = executor.calls_of(run.id)
    assert run.output == "done"
    assert second.started - (first.ended or 0) > 0.5


def test_no_retry_fails_at_once_and_calls_the_failure_function(
    app: TinyApp, executor: InngestExecutor, served: Serve
) -> None:
    def body(ctx: inngest.ContextSync) -> None:
        raise inngest.NonRetriableError("never")

    app.function(body, retries=3, on_failure=app.on_failure)
    served()
    run = app.run(runId="run_1")
    assert run.status == FAILED
    assert len(executor.calls_of(run.id)) == 1
    wait_until(lambda: app.failures, 10, "the failure function")
    (failure,) = app.failures
    assert failure["run_id"] == run.id
    assert failure["function_id"] == "tiny-work"
    assert failure["event"]["data"] == {"runId": "run_1"}
    assert (failure["error"]["name"], failure["error"]["message"]) == ("NonRetriableError", "never")


def test_exhausted_retries_fail_the_run(app: TinyApp, served: Serve) -> None:
    def body(ctx: inngest.ContextSync) -> None:
        raise RuntimeError("again")

    app.function(body, retries=2, on_failure=app.on_failure)
    served()
    assert app.run().status == FAILED
    assert app.attempts == [0, 1, 2]
    wait_until(lambda: app.failures, 10, "the failure function")


@pytest.mark.parametrize("by", ["event", "dashboard"])
def test_a_cancelled_run_stops_after_its_step_and_is_announced(
    by: str, app: TinyApp, executor: InngestExecutor, served: Serve
) -> None:
    in_step, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        in_step.set()
        go_on.wait(10)

    def body(ctx: inngest.ContextSync) -> None:
        ctx.step.run("slow", slow)
        ctx.step.run("after", app.step("after"))

    app.function(body, cancel=[inngest.Cancel(event="tiny/stop", if_exp="event.data.runId == async.data.runId")])
    app.watch_cancellations()
    served()
    event_id = executor.send("tiny/go", {"runId": "run_1"})
    in_step.wait(10)
    (run,) = executor.runs_for("tiny-work", runId="run_1")
    executor.send("tiny/stop", {"runId": "another"})
    assert executor.runs_of(event_id)[0]["status"] == "Running"
    if by == "event":
        executor.send("tiny/stop", {"runId": "run_1"})
    else:
        executor.cancel(run.id)
    wait_until(lambda: app.cancellations, 10, "the cancellation to be announced")
    go_on.set()
    assert app.cancellations[0]["event"]["data"] == {"runId": "run_1"}
    assert executor.wait_for_end(event_id)[0]["status"] == CANCELLED
    assert app.step_counts == {}


def test_the_streaming_reply_is_unwrapped(app: TinyApp, executor: InngestExecutor, served: Serve) -> None:
    app.function(three_steps(app))
    app.answer_as_stream()
    served()
    run = app.run()
    assert run.output == ["A", "B", "C"]
    assert all(call.streamed for call in executor.calls_of(run.id))


def test_an_event_id_starts_a_run_only_once(app: TinyApp, executor: InngestExecutor, served: Serve) -> None:
    app.function(three_steps(app))
    served()
    first, second = (executor.send("tiny/go", {}, event_id="run_1") for _ in range(2))
    executor.wait_for_end(first)
    assert executor.runs_of(second) == []


def test_a_dropped_answer_makes_the_step_run_again(app: TinyApp, executor: InngestExecutor, served: Serve) -> None:
    app.function(three_steps(app))
    served()
    executor.faults.drop_answer(after_step("b"))
    run = app.run()
    assert run.output == ["A", "B", "C"]
    assert app.step_counts == {"a": 1, "b": 2, "c": 1}  # the tiny app has no memo of its own
    assert [call.attempt for call in executor.calls_of(run.id)] == [0, 0, 1, 0, 0]


def test_duplicated_calls_of_a_step_overlap(app: TinyApp, executor: InngestExecutor, served: Serve) -> None:
    def slow() -> str:
        time.sleep(0.3)  # the overlap itself is what is tested
        return "slow"

    app.function(lambda ctx: ctx.step.run("slow", slow))
    served()
    executor.faults.duplicate(first_call, after=0.05)
    run = app.run()
    first, second = executor.calls_of(run.id)[:2]
    assert (first.attempt, second.attempt) == (0, 1)
    assert second.started < (first.ended or 0)


def test_a_cut_call_is_tried_again_while_the_first_goes_on(
    app: TinyApp, executor: InngestExecutor, served: Serve
) -> None:
    def body(ctx: inngest.ContextSync) -> str:
        def hang_at_first() -> str:
            time.sleep(0 if ctx.attempt else 0.6)
            return "done"

        return ctx.step.run("slow", hang_at_first)

    app.function(body)
    served()
    executor.faults.cut_after(0.3)
    run = app.run()
    assert run.output == "done"
    assert (executor.calls_of(run.id)[0].fault or "").startswith("ReadTimeout")


def test_runs_wait_out_an_outage(app: TinyApp, executor: InngestExecutor, served: Serve) -> None:
    in_step, go_on = threading.Event(), threading.Event()

    def held() -> str:
        in_step.set()
        go_on.wait(10)
        return "held"

    app.function(lambda ctx: ctx.step.run("held", held))
    served()
    event_id = executor.send("tiny/go", {})
    in_step.wait(10)
    with executor.outage():
        go_on.set()
        with pytest.raises(Exception, match="refused"):
            executor.runs_of(event_id)
    assert executor.wait_for_end(event_id)[0]["output"] == "held"
    (run,) = executor.runs_for("tiny-work")
    assert executor.calls_of(run.id)[0].fault == "answer dropped"


def test_an_expression_it_does_not_understand_is_refused(executor: InngestExecutor, app: TinyApp) -> None:
    app.function(lambda ctx: None, cancel=[inngest.Cancel(event="x", if_exp="event.data.a > 3")])
    with pytest.raises(TimeoutError):
        next(app.serve(sync_seconds=0.5))
