"""gunicorn's own answers and log lines, without its name and without anybody's token."""

from __future__ import annotations

import http
import json
from socket import socket
from typing import Any

from gunicorn import util
from gunicorn.glogging import Logger

from orchestrator.redact import mask_previews, mask_tokens
from orchestrator.web.headers import SECURITY


class CommonLogger(Logger):
    """gunicorn's lines are written by the root logger, like all others: in its format, masked."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for logger in (self.error_log, self.access_log):
            logger.handlers = []
            logger.propagate = True


def refuse_as_json() -> None:
    """Patch gunicorn, which has no setting for it: JSON for what it refuses by itself."""
    util.write_error = _write_error


def _write_error(sock: socket, status_int: int, reason: str, mesg: str) -> None:
    body = json.dumps({"error": mask_previews(mask_tokens(mesg)) or http.HTTPStatus(status_int).phrase}).encode()
    headers = {**SECURITY, "Connection": "close", "Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"HTTP/1.1 {status_int} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    util.write_nonblock(sock, "\r\n".join([*lines, "", ""]).encode("latin-1") + body)
