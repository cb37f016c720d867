"""Two Inngest functions of one step each: a bare one, and one whose step is ours, served as app.py serves them."""

import os
from typing import Any

import flask
import inngest
import inngest.flask

from orchestrator.drain import Drain
from orchestrator.engines.inngest.long_reply import with_long_reply
from orchestrator.engines.inngest.step import InngestStep, execution_of
from orchestrator.redact import Redactor
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect
from orchestrator.steps import DurableSteps, EmitterSettings

client = inngest.Inngest(app_id="bench", is_production=False)
log = RunLog(connect(os.environ["REDIS_URL"], 4))
steps = DurableSteps(log, EmitterSettings(redact=Redactor.from_environment({}), drain=Drain(1.0)))
trigger = inngest.TriggerEvent(event="bench/run")


@client.create_function(fn_id="bare", trigger=trigger)
def bare(ctx: inngest.ContextSync) -> int:
    return ctx.step.run("work", lambda: 1)


@client.create_function(fn_id="durable", trigger=trigger)
def durable(ctx: inngest.ContextSync) -> int:
    run_id, execution = str(ctx.event.data["runId"]), execution_of(ctx.run_id)
    log.claim(run_id, execution)
    return InngestStep(ctx, run_id, execution, steps, log).run("work", _body)


def _body(emit: Any) -> int:
    emit("status", "working")
    return 1


app = flask.Flask(__name__)
inngest.flask.serve(app, client, [bare, durable])
BARE_VIEW: Any = app.view_functions["inngest_api"]
LONG_VIEW = with_long_reply(BARE_VIEW)


def serve() -> Any:
    """The bare function as Inngest's SDK serves it, ours as app.py does."""
    return LONG_VIEW() if flask.request.args.get("fnId") == "bench-durable" else BARE_VIEW()


app.view_functions["inngest_api"] = serve
