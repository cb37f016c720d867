"""`python -m orchestrator`: runs in a terminal. One command a file.

``tail`` and ``replay`` read Redis themselves, whether the service runs or not; the others call it over HTTP, as any
caller with a key does.
"""

from orchestrator.cli.main import main

__all__ = ["main"]
