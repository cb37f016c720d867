"""One mechanism, and how it is switched off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
