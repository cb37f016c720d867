"""Runs the code agent for one request: puts together its model, sandbox and store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.loop import run_code_agent
from agent.messages import Limits, RunRequest
from agent.models.catalog import ModelConfig, open_model
from agent.protocols import Step
from agent.sandbox import Janitor, default_dir, open_sandbox, remove_workspace
from orchestrator.projects import RedisProjectStore
from orchestrator.runlog import RunLog, RunRecord
from orchestrator.settings import Settings


def model_config(settings: Settings) -> ModelConfig:
    return ModelConfig(
        openai_api_key=settings.openai_api_key,
        openai_base_url=settings.openai_base_url,
        openai_models=tuple(name.strip() for name in settings.openai_models.split(",") if name.strip()),
        offline_delay=settings.agent_offline_delay,
    )


class Coder:
    """The agent with everything it needs from this service."""

    def __init__(self, settings: Settings, log: RunLog) -> None:
        self._settings = settings
        self._models = model_config(settings)
        self._log = log
        self._dir = Path(settings.agent_sandbox_dir) if settings.agent_sandbox_dir else default_dir()

    def run(self, record: RunRecord, step: Step) -> dict[str, Any]:
        """Returns the data of the ``complete`` event. Raises agent.errors."""
        request = record.request
        result = run_code_agent(
            RunRequest(run_id=request.run_id, project_id=request.project_id, value=request.value, model=request.model),
            step,
            model=open_model(request.model, self._models),
            sandbox=open_sandbox(self._settings.agent_sandbox, self._dir, request.run_id),
            store=RedisProjectStore(self._log, record),
            limits=Limits(
                max_turns=self._settings.agent_max_turns,
                command_timeout=self._settings.agent_command_timeout,
                deadline=(record.time("createdAt") or 0) / 1000 + self._settings.agent_run_timeout,
            ),
        )
        shown: dict[str, Any] = self._log.redact.value(result.model_dump(by_alias=True, mode="json"))
        return shown

    def janitor(self, has_ended: Callable[[str], bool]) -> Janitor:
        """Tidies up after the runs of this machine that ``clean_up`` was not called for."""
        return Janitor(self._settings.agent_sandbox, self._dir, has_ended)

    def clean_up(self, run_id: str) -> None:
        """Remove the run's sandbox from this machine; its files are in the store."""
        remove_workspace(self._settings.agent_sandbox, self._dir, run_id)
