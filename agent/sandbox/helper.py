"""The helper's command line: a bare Python, and the files of ``agent.inside`` as text.

So nothing of ours has to be visible where it runs, and nothing that a command left is imported: ``-I`` keeps the
current folder and the environment out, ``-S`` saves the time of ``site``.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

MODULES: Final = ("wire", "confined", "leftovers", "look", "serve")
"""In the order in which they import each other."""

# Each becomes a module under its own name, so that the files are ordinary ones that also this process can import.
START: Final = """
import sys, types
for name, text in SOURCES.items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
module.main()
"""


@cache
def helper_argv(python: str = "python3") -> tuple[str, ...]:
    """Runs one request (``agent.inside.serve``) on the current folder."""
    sources = {f"agent.inside.{name}": (files("agent.inside") / f"{name}.py").read_text() for name in MODULES}
    package = dict.fromkeys(("agent", "agent.inside"), "")
    return (python, "-I", "-S", "-X", "utf8", "-c", f"SOURCES = {package | sources!r}{START}")
