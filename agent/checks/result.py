"""What checks find."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Result:
    """``problems``: what the model is told; ``unchecked``: what could not be checked, and why; ``unbuilt``: why what is
    built of the files could not be.
    """

    problems: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    unbuilt: str = ""

    def __add__(self, other: Result) -> Result:
        return Result(self.problems + other.problems, self.unchecked + other.unchecked, self.unbuilt or other.unbuilt)
