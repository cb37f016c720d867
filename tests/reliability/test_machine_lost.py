"""The next step may run where the sandbox's folder does not exist: it is rebuilt, with what commands have made."""

import shutil
from collections.abc import Callable
from pathlib import Path

from lab.llm import Handler
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, start_run
from tests.reliability.scripts import DONE, runs, writes


def test_a_command_finds_the_files_of_a_lost_machine(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """The folder is deleted between two steps, while a model is being asked.

    Without workspace.sync in Bodies._restore the last command found nothing, and the result held no file.
    """
    changes = "mkdir -p deep/er && echo changed > written.txt && echo new > deep/er/new.txt && rm gone.txt"

    def loses_the_machine(handler: Handler) -> None:
        shutil.rmtree(Path(either_service.env["AGENT_SANDBOX_DIR"]) / run_id)
        runs("cat written.txt deep/er/new.txt; ls gone.txt || true")(handler)

    prompt = unique("machine")
    steps = (writes("written.txt", "as written\n"), writes("gone.txt", "deleted later"), runs(changes))
    gate = Gate()
    model_server.script(prompt, gate, *steps, loses_the_machine, DONE)
    run_id = start_run(either_service, projectId=prompt, value=prompt)
    gate.finish("I begin.")  # not before `run_id` is known; without files the check sends the model on

    events = events_of(either_service, run_id)
    assert_whole(events)
    files = {"written.txt": "changed\n", "deep/er/new.txt": "new\n"}
    assert events[-1]["data"]["files"] == files
    output = "".join(event["data"]["chunk"] for event in events if event["type"] == "tool-output")
    assert output.startswith("changed\nnew\n")
    assert "rollback" not in {event["type"] for event in events}
