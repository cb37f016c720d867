"""The mechanisms of docs/reliability.md, and how each is switched off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final


class DoesNotFit(Exception):
    """The text to be replaced stands not exactly once in its file: the list must follow the code."""


@dataclass(frozen=True)
class Mutant:
    name: str
    path: str
    text: str
    replacement: str
    tests: tuple[str, ...]

    def apply(self, tree: Path) -> None:
        """Raises DoesNotFit."""
        file = tree / self.path
        source = file.read_text()
        if source.count(self.text) != 1:
            raise DoesNotFit(f"{self.name}: {self.text!r} stands {source.count(self.text)} times in {self.path}")
        file.write_text(source.replace(self.text, self.replacement))


MUTANTS: Final = (
    Mutant(
        "read again after a reconnect",
        "orchestrator/hub/hub.py",
        "                viewer.fall_behind()\n        watched.acknowledged.set()",
        "                pass\n        watched.acknowledged.set()",
        ("tests/orchestrator/test_hub_reconnects.py",),
    ),
    Mutant(
        "give up a dead connection",
        "orchestrator/hub/connection.py",
        "self._socket.shutdown(socket.SHUT_RDWR)",
        "pass",
        ("tests/orchestrator/test_hub_reconnects.py",),
    ),
    Mutant(
        "pages by bytes",
        "orchestrator/runlog/scripts/read.lua",
        "if size > room and #page > 3 then return page end",
        "",
        ("tests/orchestrator/test_pages.py",),
    ),
    Mutant(
        "hang up on who does not read",
        "orchestrator/hub/hub.py",
        "            viewer.hang_up()",
        "            pass",
        ("tests/reliability/test_viewers_that_do_not_read.py",),
    ),
    Mutant(
        "leave a demoted primary",
        "orchestrator/runlog/address.py",
        "epoch.number += 1",
        "pass",
        ("tests/reliability/test_redis_topologies.py",),
    ),
)
