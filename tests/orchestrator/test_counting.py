"""What an attempt of a step adds to the metrics."""

from prometheus_client import REGISTRY

from orchestrator.runlog import Begun
from orchestrator.steps.counting import StepMetrics, count_retry


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_finished_model_call_adds_its_tokens_and_its_cost() -> None:
    usage = {"inputTokens": 30, "outputTokens": 5, "cachedTokens": 20, "cost": 0.25}
    StepMetrics("model-12", Begun(0)).end("done", {"model": "counted", "usage": usage})
    StepMetrics("model-13", Begun(0)).end("failed")
    ways = ("input", "output", "cached")
    assert [value("runwire_tokens_total", model="counted", direction=way) for way in ways] == [30, 5, 20]
    assert value("runwire_cost_dollars_total", model="counted") == 0.25


def test_attempts_are_counted_by_what_became_of_them() -> None:
    StepMetrics("counted-1-2", Begun(2, interrupted=1, rolled_back=True)).end("done", "text")
    count_retry("counted-3", took_back=True)
    count_retry("counted-3", took_back=False)
    assert value("runwire_step_seconds_count", kind="counted", end="done") == 1
    assert value("runwire_steps_interrupted_total", kind="counted") == 1
    assert value("runwire_steps_retried_total", kind="counted") == 2
    assert value("runwire_rollbacks_total", kind="counted") == 2
