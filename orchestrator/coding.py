"""Runs the code agent for one request: puts together its model, sandbox and store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from agent.loop import run_code_agent
from agent.messages import Limits, RunRequest
from agent.models.catalog import Catalog, ModelConfig
from agent.models.specs import names, table
from agent.protocols import Step
from agent.sandbox import MB, Budgets, Janitor, Network, default_dir, open_sandbox, remove_workspace
from agent.workspace import Room
from orchestrator.destinations import Deliveries
from orchestrator.idempotency import IdempotencyKeys
from orchestrator.logs import bound
from orchestrator.previews.address import Previews
from orchestrator.projects import RedisProjectStore
from orchestrator.runlog import RunLog, RunRecord
from orchestrator.settings import Settings
from orchestrator.user import RemoteUser

NO_MODEL: Final = (
    "a scripted demonstration answers, as none of OPENAI_API_KEY, OPENAI_BASE_URL, ANTHROPIC_API_KEY and "
    "ANTHROPIC_BASE_URL is set"
)


def make_catalog(settings: Settings) -> Catalog:
    """The models that are configured. Once per process: it holds their clients."""
    return Catalog(
        ModelConfig(
            openai_api_key=settings.openai_api_key,
            openai_base_url=settings.openai_base_url,
            openai_models=names(settings.openai_models),
            anthropic_api_key=settings.anthropic_api_key,
            anthropic_base_url=settings.anthropic_base_url,
            anthropic_models=names(settings.anthropic_models),
            offline_delay=settings.agent_offline_delay,
            fallback=settings.agent_fallback_model,
            table=table(settings.agent_model_table),
            most_context=settings.agent_max_context,
            most_output=settings.agent_max_output,
        )
    )


WIND_DOWN: Final = 60.0
"""Seconds before its deadline in which a run begins no new turn but its last …"""
WIND_DOWN_SHARE: Final = 0.1
"""… or this share of all its time, where that is less."""


def sandbox_dir(settings: Settings) -> Path:
    return Path(settings.agent_sandbox_dir) if settings.agent_sandbox_dir else default_dir()


def budgets(settings: Settings) -> Budgets:
    return Budgets(
        memory=settings.jail_memory_mb * MB,
        processes=settings.jail_processes,
        cpu=settings.jail_cpu_seconds,
        disk=settings.jail_disk_mb * MB,
        files=settings.jail_files,
        background=settings.jail_background,
        scratch=settings.jail_scratch_mb * MB,
    )


def room(settings: Settings) -> Room:
    return Room(settings.agent_max_files, settings.agent_max_file_bytes, settings.agent_max_files_bytes)


def network(settings: Settings) -> Network:
    return Network(
        settings.agent_sandbox_allow,
        settings.jail_network_mb * MB,
        settings.agent_npm_registry,
        settings.agent_pip_index,
        settings.agent_package_cache_mb * MB,
    )


class Coder:
    """The agent with everything it needs from this service."""

    def __init__(
        self,
        settings: Settings,
        log: RunLog,
        models: Catalog,
        keys: IdempotencyKeys,
        previews: Previews,
        deliveries: Deliveries,
    ) -> None:
        self._settings, self._previews, self._deliveries = settings, previews, deliveries
        self._models, self._keys = models, keys
        self._log = log
        self._dir = sandbox_dir(settings)

    def run(self, record: RunRecord, step: Step) -> dict[str, Any]:
        """Returns the data of the ``complete`` event. Raises agent.errors."""
        with bound(run_id=record.run_id, caller=record.owner.caller):
            return self._run(record, step)

    def _run(self, record: RunRecord, step: Step) -> dict[str, Any]:
        request = record.request
        reachable = network(self._settings)
        result = run_code_agent(
            RunRequest(
                run_id=request.run_id,
                project_id=request.project_id,
                value=request.value,
                model=request.model,
                framework=request.framework,
            ),
            step,
            model=self._models.open(request.model),
            sandbox=open_sandbox(
                self._settings.agent_sandbox,
                self._dir,
                request.run_id,
                budgets(self._settings),
                room(self._settings),
                network=reachable,
                project=_name(record.owner.caller, request.project_id),
            ),
            store=RedisProjectStore(self._log, record),
            user=RemoteUser(self._log, self._keys, record.run_id, self._settings),
            limits=Limits(
                max_turns=self._settings.agent_max_turns,
                max_calls=self._settings.agent_max_calls,
                max_tokens=self._settings.agent_max_tokens,
                max_cost=self._settings.agent_max_cost,
                command_timeout=self._settings.agent_command_timeout,
                deadline=record.began / 1000 + self._settings.agent_run_timeout,
                approve=names(self._settings.agent_approve),
                hosts=reachable.hosts,
                wind_down=min(WIND_DOWN, self._settings.agent_run_timeout * WIND_DOWN_SHARE),
            ),
        )
        shown: dict[str, Any] = self._log.redact.value(result.model_dump(by_alias=True, mode="json"))
        shown |= {"url": self._previews.url(record)}
        return shown | self._deliveries.deliver(record, shown, step)

    def janitor(self, has_ended: Callable[[str], bool]) -> Janitor:
        """Tidies up after the runs of this machine that ``clean_up`` was not called for."""
        return Janitor(self._settings.agent_sandbox, self._dir, has_ended, kept=self._settings.agent_kept_packages)

    def forget(self, project_id: str, caller: str) -> None:
        """Remove what this machine keeps for the project's next run; other machines' janitors do within hours."""
        self.janitor(lambda run_id: False).forget(_name(caller, project_id))

    def leave(self, run_id: str) -> None:
        """Stop what goes on in the background of a run that this process drives no longer."""
        self.janitor(lambda run_id: False).stop_processes(run_id)

    def clean_up(self, run_id: str) -> None:
        """Remove the run's sandbox from this machine; its files are in the store."""
        kept = self._settings.agent_kept_packages
        remove_workspace(self._settings.agent_sandbox, self._dir, run_id, kept=kept)


def _name(caller: str, project_id: str) -> str:
    return f"{caller}/{project_id}"
