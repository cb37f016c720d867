"""All settings, read once from the environment. A bad or missing value stops the start and names the variable."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.models.specs import Facts, names, table
from agent.proxy.allowed import parse
from agent.sandbox.network import NPM_REGISTRY, PIP_INDEX, origin
from orchestrator.access import INNGEST, LOCAL, SECRET_SHORTEST, exact_origins, is_hard_to_guess, named_keys
from orchestrator.receivers import http_address, webhook_secrets
from orchestrator.redis_url import check_redis_url
from orchestrator.refusals import refusals

REQUIRED_BY_INNGEST = ("INNGEST_EVENT_KEY", "INNGEST_SIGNING_KEY")
"""In production, except where AGENT_ENGINE=direct does without Inngest."""

APP_ID = "runwire"

REQUIRED_IN_PRODUCTION = (
    *REQUIRED_BY_INNGEST,
    "REDIS_URL",
    "SECRET_KEY",
    "AGENT_API_KEYS",
)


class SettingsError(Exception):
    """The environment does not describe a service that can start."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, allow_inf_nan=False)

    # -- the platform
    port: int = Field(8000, ge=1, le=65535, description="Port that gunicorn binds to.")
    web_concurrency: int = Field(1, ge=1, le=1000, description="Processes that serve, each with its own limits.")
    dyno: str | None = Field(None, description="Set by Heroku; together with INNGEST_DEV the service refuses to start.")

    # -- Redis
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        pattern=r"^rediss?(\+sentinel)?://",
        examples=["redis://host:6379/0", "rediss://:password@host:6379"],
        description="Where run logs, channels and leases live: a server, any node of a Cluster, or "
        "`redis+sentinel://host:26379,host:26379/name`. `make run` starts its own Redis if this is not set.",
    )
    redis_max_connections: int = Field(
        8,
        ge=1,
        le=1000,
        description="Connections a process may open for large and rare commands (in a Cluster and in the `worker`: for "
        "all); the others share one, and subscriptions another.",
    )
    redis_tls_verify: bool = Field(
        True, description="Verify the certificate of a rediss:// server; Heroku's are self-signed: set false there."
    )

    # -- who may call
    agent_api_keys: str = Field(
        "",
        description="`name:key,name:key`, sent as `Authorization: Bearer <key>` or `X-API-Key`; runs and projects "
        "belong to the name. Empty, in development: this machine may call, without a key.",
    )
    secret_key: str = Field(
        "", description=f"Signs tokens; at least {SECRET_SHORTEST} random characters, required in production."
    )
    agent_cors_origins: str = Field(
        "", description="Comma-separated origins whose pages may call, such as `https://app.example`. Empty: none."
    )

    agent_preview_origin: str = Field(
        "",
        description="Origin at which browsers open previews, such as `https://previews.example`, where it is not "
        "INNGEST_APP_URL's.",
    )

    # -- Inngest
    inngest_dev: str | None = Field(
        None,
        description="`1`, `true` or the dev server's URL in development, where only this machine reaches the service; "
        "unset, `0` or `false` in production, where keys are required.",
    )
    inngest_base_url: str = Field(
        "http://127.0.0.1:8288",
        pattern=r"^https?://",
        examples=["http://127.0.0.1:8288"],
        description="The dev server, or a self-hosted Inngest.",
    )
    inngest_event_key: str | None = Field(None, description="Key for sending events; required in production.")
    inngest_signing_key: str | None = Field(
        None, description="Key that signs calls between Inngest and the service; required in production."
    )
    inngest_signing_key_fallback: str | None = Field(
        None, description="The key before or after it, taken as well while keys are being exchanged."
    )
    inngest_app_url: str | None = Field(
        None,
        pattern=r"^https?://[^/]+/?$",
        examples=["https://my-runwire.example (without a path)"],
        description="This service's public origin, as Inngest reaches it. Registration in production needs it.",
    )
    inngest_serve: bool = Field(
        True, description="Serve `/api/inngest` and register it. Set false where a `worker` takes Inngest's calls."
    )
    inngest_app_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_-]{1,100}$",
        examples=["my-app (letters, digits, - and _)"],
        description="The app's id at Inngest. Without one: `runwire`, in development with a mark of this checkout.",
    )
    inngest_concurrency: int = Field(10, ge=1, description="Steps that Inngest executes at a time.")

    # -- runs
    agent_engine: Literal["auto", "inngest", "direct"] = Field(
        "auto", description="What drives the steps. `auto`: Inngest where it is configured or a dev server answers."
    )
    agent_inngest_percent: int = Field(
        100, ge=0, le=100, description="With `auto`: share of new runs given to Inngest, chosen by their project."
    )
    agent_direct_runs: int = Field(16, ge=1, description="Runs a process drives at a time with the direct engine.")
    agent_requests_per_minute: int = Field(
        6_000, ge=1, description="Requests a caller may make, whichever process answers; above it 429 with Retry-After."
    )
    agent_max_active_runs: int = Field(500, ge=1, description="Unfinished runs in all; above it POST answers 429.")
    agent_max_caller_runs: int = Field(200, ge=1, description="Unfinished runs of one caller; likewise.")
    agent_max_project_runs: int = Field(20, ge=1, description="Unfinished runs of one project; likewise.")
    agent_max_files: int = Field(
        5_000, ge=1, le=20_000, description="Files of a project; what passes this or the next two is named, not kept."
    )
    agent_max_files_bytes: int = Field(100_000_000, ge=1, description="Bytes of all of them …")
    agent_max_file_bytes: int = Field(5_000_000, ge=1, le=50_000_000, description="… and of one.")
    agent_max_run_bytes: int = Field(
        268_435_456,
        ge=65_536,
        description="What a run may store in Redis: events, results, changed files. Above it it fails.",
    )
    agent_max_project_bytes: int = Field(
        1_073_741_824,
        ge=65_536,
        description="What a project may take, with what its runs have stored in EVENTS_TTL; above it POST answers 429.",
    )
    agent_max_turns: int = Field(24, ge=1, le=200, description="Model calls a run may make.")
    agent_max_calls: int = Field(16, ge=1, le=100, description="Tool calls of one reply that are carried out.")
    agent_max_tokens: int | None = Field(
        None, ge=1, description="Tokens a run may use, in and out; near it the model gets one last turn."
    )
    agent_max_cost: float | None = Field(
        None, gt=0, description="What a run may cost, by the prices in AGENT_MODEL_TABLE; likewise."
    )
    agent_command_timeout: float = Field(120, gt=0, description="Seconds a command in the sandbox may take.")
    agent_run_timeout: float = Field(1800, gt=0, description="Seconds after which a run ends with code `timeout`.")
    agent_approve: str = Field(
        "",
        description="Comma-separated shell globs, such as `rm *,git push*`: a command that matches, whole or in part, "
        "waits until somebody allows it.",
    )
    agent_approval_timeout: float = Field(
        604_800, gt=0, le=2_160_000, description="Seconds that a run waits for that; then it ends with code `timeout`."
    )
    agent_stall_seconds: float = Field(
        15, gt=0, description="Seconds between two steps after which a run is moved, unless its engine is busy."
    )
    agent_max_value_chars: int = Field(20_000, ge=1, description="Longest prompt.")
    agent_max_body_bytes: int = Field(262_144, ge=1, description="Largest body of POST /agent/run.")
    agent_max_chat_bytes: int = Field(
        4_194_304, ge=1, description="Largest body of POST /api/chat and /agui, which carry the whole conversation."
    )

    # -- models and sandbox
    openai_api_key: str | None = Field(None, description="Key for an OpenAI-compatible endpoint.")
    openai_base_url: str | None = Field(None, description="Its URL, where it is not OpenAI's (Ollama, vLLM, …).")
    openai_models: str = Field("gpt-4.1-mini", description="Comma-separated model names offered; the first is best.")
    anthropic_api_key: str | None = Field(None, description="Key for Anthropic's endpoint.")
    anthropic_base_url: str | None = Field(None, description="Its URL, where another server speaks its protocol.")
    anthropic_models: str = Field("claude-sonnet-4-5", description="Comma-separated model names offered, after those.")
    agent_fallback_model: str | None = Field(
        None, description="Model that a run goes on with when its own has failed for good."
    )
    agent_model_table: str | None = Field(
        None,
        description='JSON, what models hold and cost for a million tokens: `{"name": {"context": 64000, "output": '
        '8192, "price": {"input": 0.4, "output": 1.6, "cached": 0.1}}}`.',
    )
    agent_max_context: int = Field(
        128_000,
        ge=2_000,
        description="Tokens of a conversation; it is shortened well before, even where more would fit.",
    )
    agent_max_output: int = Field(16_384, ge=256, description="Tokens of one reply; a longer one is continued.")
    agent_offline_delay: float = Field(0.015, ge=0, description="Seconds between words of the offline model.")
    agent_sandbox: Literal["auto", "bubblewrap", "unsafe-local", "none"] = Field(
        "auto", description="Where commands run. `auto`: a bubblewrap jail, or commands are refused."
    )
    agent_sandbox_dir: str = Field(
        "",
        description="Folder that holds the runs' workspaces: of this user, mode 0700. Empty: `runwire/sandboxes` in "
        "the user's cache folder.",
    )

    agent_sandbox_allow: str = Field(
        "",
        description="Comma-separated hosts that commands may reach, such as `registry.npmjs.org,*.example.org`; other "
        "ports than 80 and 443, and private addresses, only as `127.0.0.1:4873`. Empty: none.",
    )

    agent_npm_registry: str = Field(
        NPM_REGISTRY, description="Where npm in a sandbox gets packages, if AGENT_SANDBOX_ALLOW lists its host …"
    )
    agent_pip_index: str = Field(PIP_INDEX, description="… and pip. Both are kept for later runs.")
    agent_package_cache_mb: int = Field(2048, ge=1, description="What is kept of them on this machine, in MB.")

    agent_kept_packages: int = Field(
        8,
        ge=0,
        description="Projects whose installed packages (`node_modules`, `.venv`) stay on this machine for six hours, "
        "for their next run.",
    )

    # -- what a jail may use up
    jail_memory_mb: int = Field(2048, ge=64, description="Memory of one command with all its processes, in MB.")
    jail_processes: int = Field(256, ge=8, le=30_000, description="Its processes and threads.")
    jail_cpu_seconds: int = Field(300, ge=1, description="Its processor time.")
    jail_disk_mb: int = Field(1024, ge=1, description="What a workspace may take on the disk, in MB …")
    jail_files: int = Field(200_000, ge=100, description="… and its files and folders.")
    jail_background: int = Field(
        4, ge=0, le=64, description="Processes in the background of a run, each with budgets of its own."
    )
    jail_scratch_mb: int = Field(128, ge=1, description="Size of a jail's /tmp, and of its /dev/shm, in MB.")
    jail_network_mb: int = Field(1024, ge=1, description="What a command may move over the network, in MB.")

    # -- where results go
    convex_url: str | None = Field(
        None, description="A Convex deployment that gets each result, such as `https://happy-animal-123.convex.cloud`."
    )
    convex_deploy_key: str | None = Field(None, description="Its deploy key; required with CONVEX_URL.")
    convex_function: str = Field(
        "messages:saveResult",
        pattern=r"^[A-Za-z0-9_./-]+:[A-Za-z0-9_]+$",
        examples=["messages:saveResult (module:function)"],
        description="The mutation that gets the assistant's message and the files (docs/results.md).",
    )
    agent_webhook_url: str | None = Field(
        None, description="Gets `run.complete` and `run.error`, signed by Standard Webhooks; https in production."
    )
    agent_webhook_secret: str | None = Field(
        None,
        description="Signs them: `whsec_` and 24 to 64 bytes as base64; a second behind a comma while they are being "
        "exchanged.",
    )

    # -- events
    events_ttl: float = Field(86_400, gt=0, description="Seconds a run's keys live after its last event.")
    events_max_log: int = Field(10_000, ge=1, description="Stored events per run; older ones show as a `gap` frame.")
    events_max_bytes: int = Field(
        262_144,
        ge=1024,
        description="Largest event of a step: longer strings are cut. (`complete`: 2 MB of files.)",
    )
    events_coalesce_ms: float = Field(30, ge=0, description="Text is gathered this long at first …")
    events_coalesce_max_ms: float = Field(200, ge=0, description="… and up to this long while it keeps streaming.")

    # -- viewers
    sse_keepalive: float = Field(15, gt=0, description="Seconds between keepalive comments.")
    sse_max_viewers: int = Field(12_000, ge=1, description="Streams per process; above it 503 with Retry-After.")
    sse_queue_bytes: int = Field(262_144, ge=1, description="Bytes waiting for a viewer before it reads from the log.")

    # -- slow clients
    request_head_timeout: float = Field(10, gt=0, description="Seconds for a request's head, from its first byte on.")
    request_body_timeout: float = Field(30, gt=0, description="Seconds for a whole request body; above it 408.")
    response_timeout: float = Field(
        120, gt=0, description="Seconds after which a client that takes nothing of its answer is hung up on."
    )

    # -- stopping
    drain_seconds: float = Field(20, ge=0, description="How long running steps may go on after SIGTERM.")

    # -- logs and traces
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Log level.")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="`json`: an object a line. `auto`: that in production, lines for people in development."
    )

    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        pattern=r"^https?://",
        examples=["http://collector:4318"],
        description="Where the traces of finished runs go (OTLP over HTTP). `OTEL_EXPORTER_OTLP_HEADERS`, "
        "`OTEL_SERVICE_NAME` and the exporter's other variables count, too.",
    )

    @field_validator("inngest_dev")
    @classmethod
    def _on_off_or_url(cls, given: str | None) -> str | None:
        """`1`, `0` or a URL. A misspelt `off` must not switch signatures off."""
        meant = given.strip() if given is not None else None
        if meant is None or re.fullmatch(r"https?://[^\s/]\S*", meant):
            return meant
        if meant.lower() not in ("1", "true", "0", "false"):
            raise ValueError("expected 1, true, 0, false or the dev server's http(s) URL")
        return "1" if meant.lower() in ("1", "true") else "0"

    @field_validator("redis_url")
    @classmethod
    def _redis_address(cls, given: str) -> str:
        check_redis_url(given)
        return given

    @field_validator("agent_model_table")
    @classmethod
    def _model_table(cls, given: str | None) -> str | None:
        table(given)
        return given

    @field_validator("openai_models", "anthropic_models")
    @classmethod
    def _names_a_model(cls, given: str) -> str:
        if not names(given):
            raise ValueError("expected names of models, with commas between them")
        return given

    @field_validator("agent_api_keys")
    @classmethod
    def _named_keys(cls, given: str) -> str:
        named_keys(given)
        return given

    @field_validator("agent_sandbox_allow")
    @classmethod
    def _known_hosts(cls, given: str) -> str:
        parse(given)
        return given

    @field_validator("agent_npm_registry", "agent_pip_index")
    @classmethod
    def _registry(cls, given: str) -> str:
        origin(given)
        return given

    @field_validator("agent_cors_origins")
    @classmethod
    def _exact_origins(cls, given: str) -> str:
        exact_origins(given)
        return given

    @field_validator("agent_preview_origin")
    @classmethod
    def _one_origin(cls, given: str) -> str:
        if len(exact_origins(given)) > 1 or "," in given:
            raise ValueError("expected one origin")
        return given.strip()

    @model_validator(mode="after")
    def _fit_for_the_platform(self) -> Self:
        if self.dev and self.dyno:
            raise ValueError("INNGEST_DEV must not be set on a platform that sets DYNO: it switches signatures off")
        if self.events_ttl < self.agent_run_timeout:
            raise ValueError(
                f"EVENTS_TTL ({self.events_ttl:g} s) must not be shorter than AGENT_RUN_TIMEOUT "
                f"({self.agent_run_timeout:g} s): a run would lose its own files"
            )
        if self.events_coalesce_max_ms < self.events_coalesce_ms:
            raise ValueError(
                f"EVENTS_COALESCE_MAX_MS ({self.events_coalesce_max_ms:g}) must not be less than "
                f"EVENTS_COALESCE_MS ({self.events_coalesce_ms:g})"
            )
        if not self.dev:
            unneeded = REQUIRED_BY_INNGEST if self.agent_engine == "direct" else ()
            required = [name for name in REQUIRED_IN_PRODUCTION if name not in unneeded]
            missing = [name for name in required if name.lower() not in self.model_fields_set]
            if missing:
                without = " AGENT_ENGINE=direct does without Inngest." if {*missing} & {*REQUIRED_BY_INNGEST} else ""
                raise ValueError(
                    f"missing in production: {', '.join(missing)}.{without} On a developer's machine set INNGEST_DEV=1."
                )
            if not is_hard_to_guess(self.secret_key, SECRET_SHORTEST):
                raise ValueError(
                    f"SECRET_KEY: must have at least {SECRET_SHORTEST} random characters in production; "
                    'make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'
                )
        return self

    @field_validator("convex_url", "agent_webhook_url", "openai_base_url", "anthropic_base_url")
    @classmethod
    def _address(cls, given: str | None) -> str | None:
        return None if given is None else http_address(given)

    @field_validator("agent_webhook_secret")
    @classmethod
    def _signing_secrets(cls, given: str | None) -> str | None:
        webhook_secrets(given)
        return given

    @model_validator(mode="after")
    def _destinations_add_up(self) -> Self:
        pairs = (("CONVEX_URL", "CONVEX_DEPLOY_KEY"), ("AGENT_WEBHOOK_URL", "AGENT_WEBHOOK_SECRET"))
        for url, key in pairs:
            address, secret = getattr(self, url.lower()), getattr(self, key.lower())
            if (address is None) != (secret is None):
                set_one, missing = (url, key) if address else (key, url)
                raise ValueError(f"{missing} is missing: {set_one} is set")
            if address and not self.dev and not address.startswith("https://"):
                raise ValueError(f"{url} must be an https:// address in production: results and keys are sent there")
        return self

    @model_validator(mode="after")
    def _models_add_up(self) -> Self:
        facts = table(self.agent_model_table)
        offered = [
            *(names(self.openai_models) if self.openai_api_key or self.openai_base_url else ()),
            *(names(self.anthropic_models) if self.anthropic_api_key or self.anthropic_base_url else ()),
        ]
        unpriced = [name for name in offered if facts.get(name, Facts()).price is None]
        if self.agent_max_cost is not None and unpriced:
            raise ValueError(f"AGENT_MAX_COST needs a price in AGENT_MODEL_TABLE for: {', '.join(unpriced)}")
        if self.agent_fallback_model not in (None, *offered):
            known = ", ".join(offered) or "none"
            raise ValueError(f"AGENT_FALLBACK_MODEL must be a configured model (known: {known})")
        return self

    @cached_property
    def dev(self) -> bool:
        """Whether signatures are off: a developer's machine."""
        return self.inngest_dev not in (None, "0")

    @cached_property
    def logs_as_json(self) -> bool:
        return self.log_format == "json" or (self.log_format == "auto" and not self.dev)

    @cached_property
    def inngest_endpoint(self) -> bool:
        """Whether Inngest calls this service over HTTP."""
        return self.inngest_serve and self.agent_engine != "direct"

    @cached_property
    def signing_keys(self) -> tuple[str, ...]:
        """The keys that Inngest may have signed a call with, the present one first."""
        return tuple(key for key in (self.inngest_signing_key, self.inngest_signing_key_fallback) if key)

    @cached_property
    def app_id(self) -> str:
        """The app's id at Inngest."""
        if self.inngest_app_id or not self.dev:
            return self.inngest_app_id or APP_ID
        checkout = str(Path(__file__).resolve().parent.parent)
        return f"{APP_ID}-{hashlib.sha256(checkout.encode()).hexdigest()[:6]}"

    @cached_property
    def inngest_url(self) -> str:
        """Where the dev server is: INNGEST_DEV may itself be its URL, as with Inngest's SDKs."""
        if self.inngest_dev and self.inngest_dev.startswith("http"):
            return self.inngest_dev.rstrip("/")
        return self.inngest_base_url.rstrip("/")

    @cached_property
    def api_keys(self) -> Mapping[str, str]:
        """Caller's name → key."""
        return named_keys(self.agent_api_keys)

    @cached_property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The present one first."""
        return webhook_secrets(self.agent_webhook_secret)

    @cached_property
    def caller_of_events(self) -> str:
        """To whom runs belong that an event at Inngest started, unless their project has an owner."""
        return INNGEST if self.api_keys else LOCAL

    @cached_property
    def cors_origins(self) -> tuple[str, ...]:
        return exact_origins(self.agent_cors_origins)

    @cached_property
    def serve_origin(self) -> str | None:
        """The origin to register with Inngest, None where only the request could tell (and a Host can be spoofed)."""
        if self.inngest_app_url:
            return self.inngest_app_url.rstrip("/")
        return f"http://127.0.0.1:{self.port}" if self.dev else None

    @cached_property
    def preview_origin(self) -> str:
        """Empty where nothing says how browsers reach the service: addresses of previews then begin with their path."""
        return self.agent_preview_origin or self.serve_origin or ""


def load_settings(**overrides: object) -> Settings:
    """Read the environment. Raises SettingsError with one line per bad variable."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # the overrides are validated like the environment
    except ValidationError as error:
        raise SettingsError("\n".join(refusals(error, Settings.model_fields))) from None
