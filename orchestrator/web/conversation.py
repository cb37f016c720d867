"""What both chat protocols share: errors in the protocol's own form, and a prompt that can be run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import flask

from agent.models.catalog import Catalog
from orchestrator.runs import Prompt
from orchestrator.settings import Settings
from orchestrator.web import inputs
from orchestrator.web.errors import Problem


def errors_as(form: Callable[[str, int], dict[str, Any]]) -> Callable[[flask.Response], flask.Response]:
    """An ``after_request`` function: an error is the event that ``form`` makes of it, and ours beside it."""

    def reform(response: flask.Response) -> flask.Response:
        body = response.get_json() if response.status_code >= 400 and response.is_json else None
        if isinstance(body, dict) and "error" in body:
            response.set_data(json.dumps({**form(body["error"], response.status_code), **body}))
        return response

    return reform


def prompt(settings: Settings, offered: Catalog, project_id: str, value: str, model: object) -> Prompt:
    """Raises Problem 400."""
    if not value.strip():
        raise Problem(400, "The last user message has no text")
    if model is not None and not isinstance(model, str):
        raise Problem(400, "model must be a string")
    models = [known.id for known in offered.available()]
    asked = inputs.PromptBody(projectId=inputs.project_id(project_id), value=value, model=model)
    return inputs.checked(asked, models, settings.agent_max_value_chars)
