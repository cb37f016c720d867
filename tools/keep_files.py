"""Writes the files that a run made into a folder of their own, and says how to use them."""

import re
import shlex
from pathlib import Path, PurePosixPath

from tools.web_server import ROOT

OUTPUT = ROOT / "runwire-output"
SLUG_LENGTH = 48


def keep_files(files: dict[str, str], title: str) -> Path:
    """Write `files` (path → content) into a new folder named after `title`; returns the folder."""
    folder = _new_folder(slug(title))
    for name, content in files.items():
        path = folder / safe_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def describe(folder: Path) -> str:
    """The folder, its files with sizes, and what to do with them."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{path.stat().st_size:>9,} B  {path.relative_to(folder)}" for path in paths]
    return "\n".join([f"Files in {_short(folder)}/", *lines, "", hint(folder, paths)])


def hint(folder: Path, paths: list[Path]) -> str:
    """The command that shows the result."""
    pages = [path for path in paths if path.suffix == ".html"]
    programs = [path for path in paths if path.suffix == ".py" and "test" not in path.stem]
    if pages:
        page = min(pages, key=lambda path: (path.name != "index.html", path))
        return f"Open it:  xdg-open {shlex.quote(_short(page))}"
    if programs:
        program = min(programs, key=lambda path: (path.name not in ("main.py", "app.py"), path))
        return f"Run it:  python3 {shlex.quote(_short(program))}"
    return f"Look at it:  ls -R {shlex.quote(_short(folder))}"


def slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:SLUG_LENGTH].rstrip("-") or "run"


def safe_path(name: str) -> PurePosixPath:
    """The names come from a model: they must stay inside the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"expected a path inside the project, got {name!r}")
    return path


def _new_folder(name: str) -> Path:
    """`name`, or `name-2`, `name-3`, … where earlier results are."""
    number = 1
    while True:
        folder = OUTPUT / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return folder


def _short(path: Path) -> str:
    """Relative to where the user stands, which `make` makes the project's root."""
    return str(path.relative_to(ROOT))
