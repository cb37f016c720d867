"""Large results stay in Redis: Inngest gets references, as each of its calls carries all that it memoises."""

import json
from collections.abc import Callable

from lab.inngest import InngestExecutor
from lab.llm import says
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, start_run
from tests.inngest_runs.looking import run_at

LARGE = 200_000  # characters
MEMO_BYTES = 30_000  # for everything that Inngest memoises of this run


def test_what_inngest_memoises_stays_small(
    executor_service: Service,
    shared_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """Seen failing with all results inline."""
    content = "x" * LARGE
    write = ("createOrUpdateFiles", json.dumps({"files": [{"path": "large.txt", "content": content}]}))
    read = ("readFiles", '{"files": ["large.txt"]}')
    prompt = model_server.script(
        unique("large"), says("long " * 2000, calls=(write,)), says("", calls=(read,)), says("Done.")
    )
    run_id = start_run(executor_service, value=prompt, projectId=unique("project"))
    events = events_of(executor_service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete", events[-1]
    run = run_at(shared_executor, run_id)
    assert run.status == "Completed"
    assert len(json.dumps(run.steps)) < MEMO_BYTES
    assert content[:1000] not in json.dumps(run.steps)
    # What the model was told is whole all the same: its own call came back to it in the next turn.
    second = model_server.asked[prompt][1]["messages"]
    assert any(content in json.dumps(message) for message in second)
