"""The executor's HTTP side: the paths of the dev server that an app or a test calls."""

import socket
import threading
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.serving import WSGIRequestHandler, make_server

from lab.inngest.expressions import UnsupportedExpression
from lab.inngest.model import CANCELLED, RUNNING, Json, Run, is_ulid, ulid

if TYPE_CHECKING:
    from lab.inngest.executor import InngestExecutor

BACKLOG = 128


class HttpServer:
    """Listens from construction until `close`; raises OSError where the port is taken."""

    def __init__(self, executor: "InngestExecutor", port: int) -> None:
        # With a socket of our own, because werkzeug ends the process where the port is taken.
        with socket.create_server(("127.0.0.1", port), backlog=BACKLOG) as listener:
            self._server = make_server(
                "127.0.0.1", port, _app(executor), threaded=True, request_handler=_QuietHandler, fd=listener.fileno()
            )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """A request is no news to a test."""


def _app(executor: "InngestExecutor") -> Flask:
    app = Flask("inngest-executor")

    @app.before_request
    def freeze() -> None:
        executor.awake.wait()

    @app.get("/health")
    def health() -> ResponseReturnValue:
        return {"status": 200, "message": "OK"}

    @app.get("/dev")
    def dev() -> ResponseReturnValue:
        if executor.is_cloud:
            return _error("not found", 404)
        functions = [{"id": each.id, "slug": each.id, "name": each.id} for each in executor.functions.values()]
        return {"version": "test-executor", "functions": functions, "handlers": []}

    @app.post("/fn/register")
    def register() -> ResponseReturnValue:
        try:
            executor.register(request.get_json()["functions"])
        except UnsupportedExpression as error:
            return _error(str(error), 400)
        return {"ok": True, "modified": True, "sync_id": ulid(), "app_id": ulid()}

    @app.post("/e/<key>")
    def events(key: str) -> ResponseReturnValue:
        if executor.faults.no_events:
            executor.faults.events_refused += 1
            return "<h1>Bad gateway</h1>", 502
        body = request.get_json()
        ids = [executor.receive(event) for event in (body if isinstance(body, list) else [body])]
        return {"ids": ids, "status": 200}

    @app.get("/v1/events/<event_id>/runs")
    def event_runs(event_id: str) -> ResponseReturnValue:
        if not is_ulid(event_id):
            return _error(f"Invalid event ID: {event_id}", 400)
        return {"data": [_as_json(run, event_id) for run in executor.runs_by_event(event_id)]}

    @app.get("/v1/runs/<run_id>")
    def run(run_id: str) -> ResponseReturnValue:
        found = _find(run_id)
        return {"data": _as_json(found, found.event["id"])} if found else _error("run not found", 404)

    @app.delete("/v1/runs/<run_id>")
    def cancel(run_id: str) -> ResponseReturnValue:
        found = _find(run_id)
        if found is None:
            return _error("run not found", 404)
        executor.end(found, CANCELLED, None)
        return "", 204

    # Where an SDK fetches the state that was too large for the request.
    @app.get("/v0/runs/<run_id>/batch")
    def batch(run_id: str) -> ResponseReturnValue:
        found = _find(run_id)
        return jsonify([found.event]) if found else _error("run not found", 404)

    @app.get("/v0/runs/<run_id>/actions")
    def actions(run_id: str) -> ResponseReturnValue:
        found = _find(run_id)
        return jsonify(found.steps) if found else _error("run not found", 404)

    @app.after_request
    def name_kind(response: Response) -> Response:
        response.headers["X-Inngest-Server-Kind"] = "cloud" if executor.is_cloud else "dev"
        return response

    def _find(run_id: str) -> Run | None:
        return next((run for run in list(executor.runs) if run.id == run_id), None)

    return app


def _as_json(run: Run, event_id: str) -> Json:
    ended = {} if run.status == RUNNING else {"output": run.output}
    return {"run_id": run.id, "function_id": run.function.id, "event_id": event_id, "status": run.status, **ended}


def _error(message: str, status: int) -> tuple[Json, int]:
    return {"error": message, "status": status}, status
