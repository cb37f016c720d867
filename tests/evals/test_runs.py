"""The evaluation through the real service: a perfect model scores in full, killed or not; an idle one not at all."""

import pytest

from evals.__main__ import chosen, evaluate, main
from evals.runner import Runner
from evals.tasks import Task, all_tasks
from lab.llm import fails, says
from lab.model_server import ModelServer
from lab.service import Service

CHOSEN = ("cannot-contradict", "csv-report", "follow-undo")


def only(*names: str) -> list[Task]:
    return [task for task in all_tasks() if task.name in names]


@pytest.mark.slow
def test_the_reference_solves_all_though_workers_are_killed() -> None:
    scores = evaluate(only(*CHOSEN), "reference", kill=True)
    assert [score.task.name for score in scores if score.solved] == list(CHOSEN)
    assert not any(score.false_done for score in scores)
    assert sum(score.run.kills for score in scores) > 0


def test_who_does_nothing_solves_nothing_and_fails_a_minimum(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["cannot-contradict", "csv-report"]
    assert main(["--model", "nothing", "--at-least", "1", "--only", *names]) == 1
    assert "0 of 2 solved, 0 false `done`" in capsys.readouterr().out


def test_the_scripted_model_is_scored_only_where_it_is_named() -> None:
    offered = [{"id": "offline"}, {"id": "auto"}]
    with pytest.raises(SystemExit, match="no language model is configured"):
        chosen("auto", offered)
    with pytest.raises(SystemExit, match="no such model 'gpt'; there are: offline"):
        chosen("gpt", offered)
    assert chosen("offline", offered) == "offline"
    assert chosen("auto", [{"id": "gpt"}, *offered]) == "gpt"


def test_what_a_failed_run_has_used_is_counted(scripted_service: Service, model_server: ModelServer) -> None:
    """Two calls are paid for before the endpoint says for good that it has had enough."""
    [task] = only("csv-report")
    looks = says("I look first.", calls=(("listFiles", "{}"),))
    model_server.script(task.prompts[0], looks, looks, fails(401))
    run = Runner(scripted_service, "auto", kill=False, seed=0).run(task)
    assert (run.outcome, run.words) == ("failed", "")
    assert (run.usage.input_tokens, run.usage.output_tokens) == (14, 6)
