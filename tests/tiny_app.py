"""A tiny app with the real SDK, for what is said of the test executor."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import inngest
from flask import Flask, Response, request
from inngest.flask import serve
from werkzeug.serving import make_server

from lab.inngest import InngestExecutor, Run
from tools.processes import free_port


class TinyApp:
    """An app with one function whose body a test gives; records which functions ran and how often each step did."""

    def __init__(self, executor: InngestExecutor) -> None:
        self._executor = executor
        self._client = inngest.Inngest(app_id="tiny", api_base_url=executor.base_url, is_production=False)
        self._functions: list[Any] = []
        self._streaming = False
        self.step_counts: dict[str, int] = {}
        self.failures: list[dict[str, Any]] = []
        self.cancellations: list[dict[str, Any]] = []
        self.attempts: list[int] = []

    def step(self, name: str, result: object = None) -> Callable[[], Any]:
        def body() -> Any:
            self.step_counts[name] = self.step_counts.get(name, 0) + 1
            return result

        return body

    def function(self, body: Callable[[inngest.ContextSync], Any], **options: Any) -> None:
        def counted(ctx: inngest.ContextSync) -> Any:
            self.attempts.append(ctx.attempt)
            return body(ctx)

        options = {"retries": 1, "trigger": inngest.TriggerEvent(event="tiny/go"), **options}
        self._functions.append(self._client.create_function(fn_id="work", **options)(counted))

    def on_failure(self, ctx: inngest.ContextSync) -> None:
        self.failures.append(dict(ctx.event.data))

    def watch_cancellations(self) -> None:
        trigger = inngest.TriggerEvent(event="inngest/function.cancelled")

        def note(ctx: inngest.ContextSync) -> None:
            self.cancellations.append(dict(ctx.event.data))

        self._functions.append(self._client.create_function(fn_id="on-cancel", trigger=trigger)(note))

    def answer_as_stream(self) -> None:
        """Answer calls with 201, spaces, and the real answer in an envelope (SDK_SPEC 9)."""
        self._streaming = True

    def serve(self, sync_seconds: float = 20.0) -> Iterator[None]:
        app = Flask("tiny")
        serve(app, self._client, self._functions)
        app.after_request(self._wrap)
        port = free_port()
        server = make_server("127.0.0.1", port, app, threaded=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            self._executor.sync(f"http://127.0.0.1:{port}/api/inngest", sync_seconds)
            yield
        finally:
            server.shutdown()
            server.server_close()

    def run(self, **data: Any) -> Run:
        """Send the trigger, wait for the run to end, and return it."""
        self._executor.wait_for_end(self._executor.send("tiny/go", data), seconds=20)
        return self._executor.runs_for("tiny-work")[-1]

    def _wrap(self, response: Response) -> Response:
        if not self._streaming or request.method != "POST":
            return response
        envelope = {
            "status": response.status_code,
            "headers": dict(response.headers),
            "body": response.get_data(as_text=True),
        }
        return Response(f"   {json.dumps(envelope)}", status=201, headers={"X-Inngest-Sdk": "py:v0"})
