"""Ctrl-C and SIGTERM as one exception, raised once."""

import signal
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequested(BaseException):
    """Somebody wants us to stop. A BaseException like KeyboardInterrupt, so that nobody takes it for a failure."""


def stop_on_signals() -> None:
    """From now on the first Ctrl-C or SIGTERM raises StopRequested; later ones must not disturb the orderly end."""
    for number in SIGNALS:
        signal.signal(number, _request_stop)


def _request_stop(number: int, frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise StopRequested
