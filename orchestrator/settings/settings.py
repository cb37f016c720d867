"""What settings have to be together, and what follows from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import ValidationError, model_validator

from agent.models.specs import Facts, names, table
from orchestrator.access import INNGEST, LOCAL, SECRET_SHORTEST, exact_origins, is_hard_to_guess, named_keys
from orchestrator.receivers import webhook_secrets
from orchestrator.refusals import refusals
from orchestrator.settings.fields import Fields

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


class Settings(Fields):
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
        checkout = str(Path(__file__).resolve().parents[2])
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
    with _refusals():
        return Settings(**overrides)  # type: ignore[arg-type]  # the overrides are validated like the environment


def load_fields() -> Fields:
    """The same for who only reads what a service has stored: what it needs to start may be missing."""
    with _refusals():
        return Fields()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        raise SettingsError("\n".join(refusals(error, Settings.model_fields))) from None
