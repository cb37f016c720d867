"""`POST /agent/tokens`: a signed, expiring token for a page in a browser, for whoever has a key."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Final, Self

import flask
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from orchestrator.owners import ProjectOwners
from orchestrator.runlog import RunLog
from orchestrator.web import inputs
from orchestrator.web.bodies import body
from orchestrator.web.callers import Door, caller
from orchestrator.web.errors import UNKNOWN_PROJECT, Problem
from orchestrator.web.grants import Action, Grant, Tokens

EXPIRES_IN: Final = 3600
EXPIRES_IN_MOST: Final = 86_400
"""Seconds. A token cannot be withdrawn without exchanging its key, so that it ends by itself within a day."""


def _once_each(actions: list[Action]) -> list[Action]:
    return list(dict.fromkeys(actions))


class TokenRequest(BaseModel):
    """The body. ``expiresIn`` in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel)

    project_id: inputs.ProjectId | None = None
    run_id: str | None = None
    can: Annotated[list[Action], Field(min_length=1), AfterValidator(_once_each)]
    expires_in: int = Field(EXPIRES_IN, ge=1, le=EXPIRES_IN_MOST)

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if (self.project_id is None) == (self.run_id is None):
            raise ValueError("expected either projectId or runId")
        if self.run_id is not None and "start" in self.can:
            raise ValueError("a token for a run cannot start one: name its project")
        if "preview" in self.can and len(self.can) > 1:
            raise ValueError("a token that can preview can nothing else: pages read it in their own address")
        return self


@dataclass(frozen=True)
class TokenRoutes:
    door: Door
    tokens: Tokens
    log: RunLog
    projects: ProjectOwners
    max_body_bytes: int

    def blueprint(self, name: str) -> flask.Blueprint:
        routes = flask.Blueprint(name, __name__)
        routes.before_request(self.door.check)
        routes.post("/agent/tokens")(self.make)
        return routes

    def make(self) -> flask.typing.ResponseReturnValue:
        self.door.key_only()
        asked = body(TokenRequest, self.max_body_bytes)
        grant = self._grant(asked)
        named = {"projectId": grant.project_id} if grant.project_id is not None else {"runId": grant.run_id}
        return {"token": self.tokens.sign(grant), "expiresAt": grant.expires * 1000, "can": grant.can, **named}, 201

    def _grant(self, asked: TokenRequest) -> Grant:
        expires, name = int(time.time()) + asked.expires_in, caller().name
        if asked.run_id is not None:
            self.door.run(asked.run_id, self.log.record(inputs.run_id(asked.run_id)).owner, "read")
            return Grant(name, tuple(asked.can), expires, run_id=asked.run_id)
        project_id = asked.project_id or ""
        if not self.projects.may_use(project_id, name):
            raise Problem(404, UNKNOWN_PROJECT, refused="not-their-project")
        return Grant(name, tuple(asked.can), expires, project_id=project_id)
