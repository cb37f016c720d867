"""What an ``OSError`` of this machine means to who runs a step: there, it would look like a network that fails."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent.errors import AgentError, PermanentError, TransientError

PASSING: Final = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.EINTR)
"""Troubles that another attempt may not meet."""


@contextmanager
def said_clearly(path: Path) -> Iterator[None]:
    """Raises ``TransientError`` or ``PermanentError`` for an ``OSError``, which would be tried for ever.

    ``path``: the run's folder.
    """
    try:
        yield
    except OSError as error:
        raise trouble(error, f"The sandbox in {path} cannot be used") from error


def trouble(error: OSError, what: str, hint: str = "") -> AgentError:
    kind = TransientError if error.errno in PASSING else PermanentError
    return kind(f"{what}: {error.strerror or error}{hint}")
