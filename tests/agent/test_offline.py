"""The offline model: real projects through the real loop, in a real jail."""

from __future__ import annotations

import pytest

from agent.loop import run_code_agent
from agent.memory_store import MemoryStore
from agent.messages import RunRequest, RunResult
from agent.models.offline import OfflineModel
from agent.models.offline.projects import CLI_LIST, CLI_TIP, LIST_PAGE, PAGES, first_version
from agent.protocols import Sandbox
from tests.agent.fakes import AtOnce, plain


def build(prompt: str, sandbox: Sandbox, store: MemoryStore) -> tuple[AtOnce, RunResult]:
    step = AtOnce(store)
    request = RunRequest(run_id="run_1", project_id="p1", value=prompt, model="offline")
    return step, run_code_agent(request, step, model=OfflineModel(delay=0), sandbox=sandbox, store=store)


@pytest.mark.parametrize(
    ("prompt", "file", "framework"),
    [
        ("a tip calculator", "index.html", "static"),
        ("please make me a pomodoro timer", "index.html", "static"),
        ("convert miles to km", "index.html", "static"),
        ("something for my <b>bakery</b> & \"'{{title}}", "index.html", "static"),
        ("a command line tip calculator", "tip.py", "python"),
        ("a python script for my tasks", "tasks.py", "python"),
        ("   \n??", "index.html", "static"),
    ],
)
def test_its_test_fails_once_and_passes_after_the_repair(jail: Sandbox, prompt: str, file: str, framework: str) -> None:
    step, result = build(prompt, jail, MemoryStore())
    notes = [data["note"] for data in step.events.of("tool-result")]
    assert notes == [notes[0], "exit code 1", "1 file read", "1 file written", "exit code 0"]
    assert "now the test passes" in result.summary
    assert (file in result.files, result.framework) == (True, framework)
    assert "<b>" not in result.files[file]


def test_the_first_status_says_that_this_is_a_script(jail: Sandbox) -> None:
    step, _ = build("a tip calculator", jail, MemoryStore())
    assert step.events.all[0][0] == "status"
    assert "scripted demonstration without a language model" in step.events.all[0][1]


def test_without_a_jail_it_says_that_the_test_was_not_run(no_jail: Sandbox) -> None:
    _, result = build("a tip calculator", no_jail, MemoryStore())
    assert "the test was not run" in result.summary


def test_a_follow_up_notes_the_request_and_recolours_the_page(jail: Sandbox) -> None:
    store = MemoryStore()
    build("a tip calculator", jail, store)
    before = dict(store.project)
    store.files.clear()
    _, result = build("make it <purple>", jail, store)
    assert "<li>Make it &lt;purple&gt;</li>" in result.files["index.html"]
    assert "--accent: #6b3fa0;" in result.files["style.css"]
    assert "Its test passes." in result.summary
    assert set(store.project) == set(before)


def test_a_follow_up_on_somebody_elses_project_leaves_a_note(jail: Sandbox) -> None:
    store = MemoryStore(plain({"main.go": b"package main\n"}))
    _, first = build("add a flag", jail, store)
    store.files.clear()
    _, second = build("and another", jail, store)
    assert second.files == {"main.go": "package main\n", "CHANGES.md": "# Changes\n\n- Add a flag\n- And another\n"}
    assert first.framework == second.framework == "unknown"


def test_every_first_version_has_its_slip_exactly_once() -> None:
    for project in (*PAGES, LIST_PAGE, CLI_TIP, CLI_LIST):
        text = first_version(project, "x")[project.slip.path]
        assert text.count(project.slip.wrong) == 1, project
        assert project.slip.right not in text
