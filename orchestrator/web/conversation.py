"""What both chat protocols share: errors in their own form, prompts that can be run, answers to what runs ask for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import flask

from agent.messages import Approval
from agent.models.catalog import Catalog
from orchestrator.formats.asked import asked_by
from orchestrator.runlog import RunEnded
from orchestrator.runlog.approvals import AnsweredBefore
from orchestrator.runs import Prompt
from orchestrator.settings import Settings
from orchestrator.web import inputs
from orchestrator.web.access import RunAccess
from orchestrator.web.errors import UNKNOWN_RUN, Problem


def errors_as(form: Callable[[str, int], dict[str, Any]]) -> Callable[[flask.Response], flask.Response]:
    """An ``after_request`` function: an error is the event that ``form`` makes of it, and ours beside it."""

    def reform(response: flask.Response) -> flask.Response:
        body = response.get_json() if response.status_code >= 400 and response.is_json else None
        if isinstance(body, dict) and "error" in body:
            response.set_data(json.dumps({**form(body["error"], response.status_code), **body}))
        return response

    return reform


def prompt(settings: Settings, offered: Catalog, project_id: str, value: str, wishes: Mapping[str, Any]) -> Prompt:
    """``wishes``: `model`, `framework` and `onConflict`, where the page has any. Raises Problem 400."""
    if not value.strip():
        raise Problem(400, "The last user message has no text")
    model = wishes.get("model")
    if model is not None and not isinstance(model, str):
        raise Problem(400, "model must be a string")
    more = {name: wishes[name] for name in ("framework", "onConflict") if name in wishes}
    asked = inputs.PromptBody(projectId=inputs.project_id(project_id), value=value, model=model, **more)
    return inputs.checked(asked, offered.ids, settings.agent_max_value_chars)


def answer(access: RunAccess, project_id: str, answers: Mapping[str, Approval]) -> tuple[str, str]:
    """Give a run of the project its answers, by their ids in the protocol; those that it has already change nothing.

    Returns the ids of the run and of the last approval. Raises Problem 400 or 404, AnsweredBefore where one says the
    opposite, and what RunAccess.answer does.
    """
    asked = [asked_by(asked_id) for asked_id in answers]
    if len({run_id for run_id, _ in asked}) != 1:
        raise Problem(400, "The answers must be to what one run asks for")
    run_id = inputs.run_id(asked[0][0])
    if access.record(run_id, "approve").owner.project_id != project_id:
        raise Problem(404, UNKNOWN_RUN)
    for (_, approval_id), given in zip(asked, answers.values(), strict=True):
        try:
            access.answer(run_id, approval_id, given)
        except AnsweredBefore as error:
            if error.first.allow != given.allow:
                raise
        except RunEnded:
            pass  # its stream says how
    return run_id, asked[-1][1]
