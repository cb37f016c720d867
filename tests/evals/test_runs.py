"""The evaluation through the real service: a perfect model scores in full, killed or not; an idle one not at all."""

import pytest

from evals.__main__ import evaluate
from evals.tasks import Task, all_tasks

CHOSEN = ("cannot-contradict", "csv-report", "follow-undo", "refactor-split")


def chosen(*names: str) -> list[Task]:
    return [task for task in all_tasks() if task.name in names]


@pytest.mark.parametrize("kill", [False, True], ids=["undisturbed", "killed"])
def test_the_reference_solves_all_whatever_is_killed(kill: bool) -> None:
    scores = evaluate(chosen(*CHOSEN), "reference", kill=kill)
    assert [score.task.name for score in scores if score.solved] == list(CHOSEN)
    assert not any(score.false_done for score in scores)
    assert (sum(score.run.kills for score in scores) > 0) is kill


def test_who_does_nothing_is_not_believed() -> None:
    [score] = evaluate(chosen("csv-report"), "nothing", kill=False)
    assert not score.solved and score.run.outcome != "done"
