"""Every setting: the variable of its name in the environment. README.md and .env.example are made from this list."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.models.specs import table
from agent.proxy.allowed import parse
from agent.sandbox.network import NPM_REGISTRY, PIP_INDEX, origin
from orchestrator.access import SECRET_SHORTEST, exact_origins, named_keys
from orchestrator.receivers import webhook_secrets
from orchestrator.redis_url import check_redis_url
from orchestrator.settings.values import address, checked, on_off_or_url, one_origin, some_model

Address = Annotated[str | None, AfterValidator(address)]
Registry = Annotated[str, checked(origin)]
ModelNames = Annotated[str, checked(some_model)]


class Fields(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, allow_inf_nan=False)

    # -- the platform
    port: int = Field(8000, ge=1, le=65535, description="Port that gunicorn binds to.")
    web_concurrency: int = Field(1, ge=1, le=1000, description="Processes that serve, each with its own limits.")
    dyno: str | None = Field(None, description="Set by Heroku; together with INNGEST_DEV the service refuses to start.")

    # -- Redis
    redis_url: Annotated[str, checked(check_redis_url)] = Field(
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
    agent_api_keys: Annotated[str, checked(named_keys)] = Field(
        "",
        description="`name:key,name:key`, sent as `Authorization: Bearer <key>` or `X-API-Key`; runs and projects "
        "belong to the name. Empty, in development: this machine may call, without a key.",
    )
    secret_key: str = Field(
        "", description=f"Signs tokens; at least {SECRET_SHORTEST} random characters, required in production."
    )
    agent_cors_origins: Annotated[str, checked(exact_origins)] = Field(
        "", description="Comma-separated origins whose pages may call, such as `https://app.example`. Empty: none."
    )

    agent_preview_origin: Annotated[str, AfterValidator(one_origin)] = Field(
        "",
        description="Origin at which browsers open previews, such as `https://previews.example`, where it is not "
        "INNGEST_APP_URL's.",
    )

    # -- Inngest
    inngest_dev: Annotated[str | None, AfterValidator(on_off_or_url)] = Field(
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
    openai_base_url: Address = Field(None, description="Its URL, where it is not OpenAI's (Ollama, vLLM, …).")
    openai_models: ModelNames = Field(
        "gpt-4.1-mini", description="Comma-separated model names offered; the first is best."
    )
    anthropic_api_key: str | None = Field(None, description="Key for Anthropic's endpoint.")
    anthropic_base_url: Address = Field(None, description="Its URL, where another server speaks its protocol.")
    anthropic_models: ModelNames = Field(
        "claude-sonnet-4-5", description="Comma-separated model names offered, after those."
    )
    agent_fallback_model: str | None = Field(
        None, description="Model that a run goes on with when its own has failed for good."
    )
    agent_model_table: Annotated[str | None, checked(table)] = Field(
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

    agent_sandbox_allow: Annotated[str, checked(parse)] = Field(
        "",
        description="Comma-separated hosts that commands may reach, such as `registry.npmjs.org,*.example.org`; other "
        "ports than 80 and 443, and private addresses, only as `127.0.0.1:4873`. Empty: none.",
    )

    agent_npm_registry: Registry = Field(
        NPM_REGISTRY, description="Where npm in a sandbox gets packages, if AGENT_SANDBOX_ALLOW lists its host …"
    )
    agent_pip_index: Registry = Field(PIP_INDEX, description="… and pip. Both are kept for later runs.")
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
    convex_url: Address = Field(
        None, description="A Convex deployment that gets each result, such as `https://happy-animal-123.convex.cloud`."
    )
    convex_deploy_key: str | None = Field(None, description="Its deploy key; required with CONVEX_URL.")
    convex_function: str = Field(
        "messages:saveResult",
        pattern=r"^[A-Za-z0-9_./-]+:[A-Za-z0-9_]+$",
        examples=["messages:saveResult (module:function)"],
        description="The mutation that gets the assistant's message and the files (docs/results.md).",
    )
    agent_webhook_url: Address = Field(
        None, description="Gets `run.complete` and `run.error`, signed by Standard Webhooks; https in production."
    )
    agent_webhook_secret: Annotated[str | None, checked(webhook_secrets)] = Field(
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
