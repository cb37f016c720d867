"""Templates: what an empty project begins with, where its kind is known. A folder each; an entry in ``TEMPLATES``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files as resources
from importlib.resources.abc import Traversable
from typing import Final

from agent.entries import Entry, Tree


@dataclass(frozen=True)
class Template:
    """``name``: its folder, and what a request calls it; ``about``: what the model is told of it."""

    name: str
    words: re.Pattern[str]
    """The words of a prompt that ask for this kind."""
    about: str

    @cached_property
    def tree(self) -> Tree:
        """Its files."""
        return dict(sorted(_files(resources("agent.templates") / self.name).items()))


TEMPLATES: Final = (
    Template(
        "nextjs",
        re.compile(r"\bnext\.?js\b|\breact\b|\btsx\b"),
        "a Next.js project (App Router, TypeScript, static export). `npm install` and then `npm run build` write the "
        "pages into `out/`, which is kept and shown; without a built `out/` there is nothing to see. The pages open "
        "below a path: leave `next.config.mjs` as it is, use no server features (no route handlers, no middleware), "
        'and begin files that use state with "use client".',
    ),
    Template(
        "python",
        re.compile(r"\bpython\b|\bflask\b"),
        "a Python program with a test (`python3 -m unittest`). Rename or remove its files as you need.",
    ),
    Template(
        "static",
        re.compile(r"\bhtml\b|\bweb ?pages?\b|\bweb ?sites?\b|\b(?:landing|static) (?:page|site)\b"),
        "a static page, which is shown as it is. It opens below a path: link files relatively (`style.css`, not "
        "`/style.css`). It has no storage: where it uses `localStorage`, it must go on when that throws.",
    ),
)
NAMES: Final = tuple(template.name for template in TEMPLATES)

_NOT_WANTED: Final = re.compile(r"\b(?:without|no|not|instead of)\s+[\w.]+")
_OTHER: Final = re.compile(
    r"\b(?:vue|svelte|angular|vite|astro|remix|nuxt|express|django|fastapi|node|deno|bun|rust|golang|java|kotlin|ruby|"
    r"rails|php|laravel|c\+\+|c#)(?!\w)"
)
_FILE: Final = re.compile(r"\b[\w-]+\.(?:py|html?|css|m?jsx?|tsx?|json|toml|md)\b")


def named(name: str) -> Template:
    """Raises KeyError."""
    return {template.name: template for template in TEMPLATES}[name]


def choose(prompt: str, framework: str | None) -> Template | None:
    """The template for an empty project: what was asked for, else what the prompt names, else none.

    A prompt that names its files has a layout of its own, and one that names another kind wants that.
    """
    if framework is not None:
        return named(framework)
    said = _NOT_WANTED.sub(" ", prompt.lower())
    without_kind = re.sub(r"\bnext\.js\b", "nextjs", said)
    if _OTHER.search(said) or _FILE.search(without_kind):
        return None
    found = [template for template in TEMPLATES if template.words.search(said)]
    if {template.name for template in found} >= {"nextjs", "python"}:
        return None
    return found[0] if found else None


def _files(folder: Traversable, prefix: str = "") -> Tree:
    tree: Tree = {}
    for item in folder.iterdir():
        if item.name == "__pycache__":
            continue
        path = f"{prefix}{item.name}"
        tree |= _files(item, f"{path}/") if item.is_dir() else {path: Entry(item.read_bytes())}
    return tree
