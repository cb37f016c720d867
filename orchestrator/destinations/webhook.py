"""A webhook, signed as Standard Webhooks says (spec/standard-webhooks.md of standard-webhooks/standard-webhooks)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

from orchestrator.destinations import http
from orchestrator.destinations.protocol import Letter
from orchestrator.events import dumps
from orchestrator.settings import Settings


class WebhookDestination:
    """``secrets``: the present one first; while they are being exchanged a letter is signed with each."""

    name = "webhook"
    title = "the webhook"
    takes_errors = True

    def __init__(self, url: str, secrets: Sequence[str]) -> None:
        self._url = url
        self._signers = [Webhook(secret) for secret in secrets]

    @classmethod
    def configured(cls, settings: Settings) -> WebhookDestination | None:
        if settings.agent_webhook_url is None:
            return None
        return cls(settings.agent_webhook_url, settings.webhook_secrets)

    def send(self, letter: Letter) -> None:
        now, key = datetime.now(UTC), letter.key(self.name)
        data = {"runId": letter.run_id, "projectId": letter.project_id, **letter.data}
        body = dumps({"type": letter.type, "timestamp": now.isoformat(), "data": data})
        headers = {
            "Content-Type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signer.sign(key, now, body) for signer in self._signers),
        }
        http.check(http.post(self._url, body.encode(), headers))
