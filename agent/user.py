"""The person behind a run who says nothing more."""

from __future__ import annotations


class Silent:
    """Implements ``agent.protocols.User``."""

    def messages(self, heard: int, *, last: bool) -> list[str]:
        return []

    def leave(self, heard: int) -> bool:
        return True
