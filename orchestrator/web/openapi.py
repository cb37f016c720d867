"""`/openapi.json`: the interface for programs; `/docs`: the same for people, without a script."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

import flask
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from orchestrator.event_types import EVENT_TYPES, GAP, EventType
from orchestrator.events import RunProgress
from orchestrator.web.answers import ErrorAnswer
from orchestrator.web.call import ERRORS, STREAM, Call
from orchestrator.web.calls import CALLS

REF: Final = "#/components/schemas/{model}"
PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


def blueprint() -> flask.Blueprint:
    routes = flask.Blueprint("openapi", __name__)
    routes.get("/openapi.json")(lambda: description())
    routes.get("/docs")(page)
    return routes


def page() -> flask.typing.ResponseReturnValue:
    template = (files("orchestrator.web") / "pages" / "docs.html").read_text()
    return flask.render_template_string(template, api=description(), dumps=_pretty), 200, PAGE_HEADERS


@cache
def description() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method] = _operation(call)
    schemas = _schemas()
    schemas["Event"] = {"oneOf": [_event(kind, schemas) for kind in (*EVENT_TYPES, GAP)]}
    schemes = {"key": {"type": "http", "scheme": "bearer"}, "header": {"type": "apiKey", "in": "header"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Runwire", "version": "1", "description": "Durable runs of a code agent, watched live."},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": schemes["key"], "header": {**schemes["header"], "name": "X-API-Key"}},
        },
    }


def _operation(call: Call) -> dict[str, Any]:
    refuses = call.refuses if call.is_public else tuple(sorted({*call.refuses, 401, 403}))
    responses = {str(status): _answer(given) for status, given in call.gives.items()}
    responses |= {str(s): {"description": ERRORS[s], "content": _json(ErrorAnswer)} for s in refuses}
    operation: dict[str, Any] = {
        "operationId": "-".join([call.method, *call.path.replace("{", "").replace("}", "").strip("/").split("/")]),
        "summary": call.summary,
        "responses": responses,
        "security": [] if call.is_public else [{"key": []}, {"header": []}],
    }
    if call.parameters:
        operation["parameters"] = [
            {"in": where, "name": name, "description": text, "required": where == "path", "schema": {"type": "string"}}
            for where, name, text in call.parameters
        ]
    if call.takes:
        operation["requestBody"] = {"required": True, "content": _json(call.takes)}
    return operation


def _answer(given: type[BaseModel] | str | None) -> dict[str, Any]:
    if given is None:
        return {"description": "Nothing"}
    if given is not None and given != STREAM and isinstance(given, str):
        return {"description": "Bytes", "content": {given: {"schema": {"type": "string", "format": "binary"}}}}
    if isinstance(given, str):
        events = {"type": "string", "description": "Frames; in our own format the `data:` of each is an Event"}
        return {"description": "A stream of events", "content": {given: {"schema": events}}}
    return {"description": (given.__doc__ or "").strip() or "Done", "content": _json(given)}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": REF.format(model=model.__name__)}}}


def _schemas() -> dict[str, Any]:
    models: set[type[BaseModel]] = {ErrorAnswer, *(call.takes for call in CALLS if call.takes)}
    models |= {given for call in CALLS for given in call.gives.values() if isinstance(given, type)}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, found = models_json_schema([(model, "validation") for model in ordered], ref_template=REF)
    schemas: dict[str, Any] = found["$defs"]
    return schemas


def _event(kind: EventType, schemas: dict[str, Any]) -> dict[str, Any]:
    data = TypeAdapter(kind.data).json_schema(by_alias=True, ref_template=REF)
    schemas.update(data.pop("$defs", {}))
    envelope = RunProgress.model_json_schema(by_alias=True, ref_template=REF)
    properties = {**envelope["properties"], "type": {"const": kind.name}, "data": data}
    required = ["runId", "type", "data"] if kind is GAP else envelope["required"]
    return {
        "type": "object",
        "title": kind.name,
        "description": kind.when,
        "properties": properties,
        "required": required,
    }


def _pretty(schema: Any) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False)
