"""Puts the parts of the service together: what the web processes and the worker share. Connects nothing yet."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import inngest

from agent.models.catalog import OFFLINE, Catalog
from orchestrator.admission import Admission, RunLimits
from orchestrator.coding import NO_MODEL, Coder, make_catalog
from orchestrator.destinations import Deliveries, ErrorReports, make_destinations
from orchestrator.destinations.error_reports import LEASE_SECONDS as REPORTS_LEASE_SECONDS
from orchestrator.drain import Drain
from orchestrator.engines.approvals import WaitingRuns
from orchestrator.engines.dispatch import Dispatcher
from orchestrator.engines.inngest.client import make_client
from orchestrator.engines.inngest.functions import Dependencies, make_functions
from orchestrator.engines.protocol import Engine
from orchestrator.engines.registry import Parts, make_engines
from orchestrator.engines.turns import Turns
from orchestrator.engines.watch import LEASE_SECONDS, Watch
from orchestrator.housekeeping import Housekeeping, has_ended
from orchestrator.hub import Follower, Hub, SubscriberConnection
from orchestrator.idempotency import IdempotencyKeys
from orchestrator.logs import get_logger
from orchestrator.open_files import viewers_at_most
from orchestrator.owned_projects import OwnedProjects
from orchestrator.owners import ProjectOwners
from orchestrator.previews.address import Previews
from orchestrator.redact import Redactor
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import Client, connect, known_nodes
from orchestrator.runlog.keys import REPORTS_LEASE, TRACES_LEASE, WATCH_LEASE
from orchestrator.runlog.lease import Lease
from orchestrator.runlog.shared import FewAtATime
from orchestrator.runs import Runs
from orchestrator.settings import Settings
from orchestrator.steps import DurableSteps, EmitterSettings
from orchestrator.stored_files import StoredFiles
from orchestrator.web.grants import Tokens

if TYPE_CHECKING:
    from orchestrator.traces import Exporter

READS_AT_ONCE: Final = 16
READ_WAIT_SECONDS: Final = 15.0

logger = get_logger(__name__)


@dataclass(frozen=True)
class Service:
    """The parts, each made once per process."""

    settings: Settings
    owner: str
    """This process's name to others, in leases."""
    redis: Client
    drain: Drain
    models: Catalog
    log: RunLog
    client: inngest.Inngest
    functions: list[inngest.Function[Any]]
    engines: Mapping[str, Engine]
    dispatcher: Dispatcher
    watch: Watch
    housekeeping: Housekeeping
    reports: ErrorReports
    traces: Exporter | None
    hub: Hub
    follower: Follower
    runs: Runs
    project_owners: ProjectOwners
    owned_projects: OwnedProjects
    tokens: Tokens
    stored_files: StoredFiles

    def start(self) -> None:
        """Start the background work of a web process. Call once, after the fork."""
        for engine in self.engines.values():
            engine.start()
        self.watch.start()
        self.housekeeping.start()
        self.reports.start()
        if self.traces is not None:
            self.traces.start()

    def stop(self) -> None:
        """Begin to drain: streams end, no step begins. Then ``join``."""
        self.drain.start()
        self.hub.wake_all()

    def hang_up(self) -> None:
        """Break the streams that ``stop`` could not end because their clients read nothing."""
        self.hub.hang_up_all()

    def join(self) -> None:
        """Wait for what streams have still to send, and for running steps, or until they are given up."""
        self.hub.join()
        for engine in self.engines.values():
            engine.join()


def build_service(settings: Settings) -> Service:
    redis = connect(settings.redis_url, settings.redis_max_connections, settings.redis_tls_verify)
    owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    drain = Drain(settings.drain_seconds)
    redact = Redactor.from_environment(os.environ)
    destinations = make_destinations(settings)
    log = RunLog(
        redis,
        ttl=settings.events_ttl,
        max_events=settings.events_max_log,
        max_bytes=settings.agent_max_run_bytes,
        stall=settings.agent_stall_seconds,
        redact=redact,
        reports_errors=any(destination.takes_errors for destination in destinations),
        traced=settings.otel_exporter_otlp_endpoint is not None,
    )
    steps = DurableSteps(log, _emitter_settings(settings, drain, redact))
    models = make_catalog(settings)
    if models.best == OFFLINE:
        logger.warning("models.offline_only", reason=NO_MODEL)
    # A key lives as long as what its run left.
    keys = IdempotencyKeys(redis, settings.agent_run_timeout + settings.events_ttl)
    tokens = Tokens(settings.secret_key, settings.api_keys, redis)
    stored_files = StoredFiles(log)
    until = settings.agent_run_timeout + settings.events_ttl
    previews = Previews(tokens, stored_files, settings.preview_origin, until)
    coder = Coder(settings, log, models, keys, previews, Deliveries(destinations))

    client = make_client(settings, redact)
    project_owners = ProjectOwners(redis)
    functions = make_functions(
        client,
        Dependencies(
            log,
            steps,
            coder,
            project_owners,
            settings.caller_of_events,
            settings.inngest_concurrency,
            settings.agent_max_value_chars,
        ),
    )
    engines = make_engines(Parts(settings, owner, log, steps, coder, drain, client))
    dispatcher = Dispatcher(settings, log, engines)
    lease = Lease(redis, WATCH_LEASE, owner, LEASE_SECONDS)
    turns = Turns(log, dispatcher)
    waiting = WaitingRuns(log, dispatcher, settings.agent_approval_timeout)
    watch = Watch(log, engines, dispatcher, turns, waiting, lease, drain, run_timeout=settings.agent_run_timeout)

    reports = ErrorReports(destinations, log, Lease(redis, REPORTS_LEASE, owner, REPORTS_LEASE_SECONDS), drain)
    exporter = _exporter(log, redis, owner, drain, models.providers()) if settings.otel_exporter_otlp_endpoint else None
    housekeeping = Housekeeping(coder.janitor(partial(has_ended, log)), log.sweep_projects, drain)

    subscriber = SubscriberConnection(settings.redis_url, settings.redis_tls_verify, partial(known_nodes, redis))
    hub = Hub(
        subscriber,
        redis,
        max_viewers=viewers_at_most(settings.sse_max_viewers),
        queue_bytes=settings.sse_queue_bytes,
        tick=min(1.0, settings.sse_keepalive / 4),
    )
    # Viewers that all come back at once ask for a few pages at a time: what runs write is answered in between.
    reading = FewAtATime(redis, READS_AT_ONCE, READ_WAIT_SECONDS)
    follower = Follower(RunLog(reading, ttl=settings.events_ttl), hub, drain, settings.sse_keepalive)
    admission = Admission(redis, log, dispatcher, turns, project_owners, _run_limits(settings))
    runs = Runs(redis, log, dispatcher, turns, waiting, keys, admission)

    return Service(
        settings=settings,
        owner=owner,
        redis=redis,
        drain=drain,
        models=models,
        log=log,
        client=client,
        functions=functions,
        engines=engines,
        dispatcher=dispatcher,
        watch=watch,
        housekeeping=housekeeping,
        reports=reports,
        traces=exporter,
        hub=hub,
        follower=follower,
        runs=runs,
        project_owners=project_owners,
        owned_projects=OwnedProjects(redis, log, project_owners, coder.forget),
        tokens=tokens,
        stored_files=stored_files,
    )


def _exporter(log: RunLog, redis: Client, owner: str, drain: Drain, providers: Mapping[str, str]) -> Exporter:
    # OpenTelemetry takes half a second and 20 MB to import: only where it is wanted.
    from orchestrator.traces import LEASE_SECONDS, Exporter, TraceQueue

    return Exporter(log, TraceQueue(redis), Lease(redis, TRACES_LEASE, owner, LEASE_SECONDS), drain, providers)


def _run_limits(settings: Settings) -> RunLimits:
    return RunLimits(
        in_all=settings.agent_max_active_runs,
        of_caller=settings.agent_max_caller_runs,
        of_project=settings.agent_max_project_runs,
        project_bytes=settings.agent_max_project_bytes,
    )


def _emitter_settings(settings: Settings, drain: Drain, redact: Redactor) -> EmitterSettings:
    return EmitterSettings(
        redact=redact,
        drain=drain,
        coalesce=settings.events_coalesce_ms / 1000,
        coalesce_max=settings.events_coalesce_max_ms / 1000,
        max_bytes=settings.events_max_bytes,
    )
