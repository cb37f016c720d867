"""Writes what is documented about the settings from the one place that defines them: `python -m tools.settings_docs`.

`.env.example` is written whole; in README.md the table between the two `settings` comments is replaced.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic.fields import FieldInfo

from orchestrator.settings import REQUIRED_IN_PRODUCTION, Settings

ROOT = Path(__file__).parents[1]
TABLE = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)
SET_BY_THE_PLATFORM = {"DYNO"}
IN_DEVELOPMENT = {"INNGEST_DEV": "1"}

HEAD = """\
# All settings, with their defaults. Copy to .env for `make run`; on a platform set them as config vars.
# Made by `python -m tools.settings_docs` from orchestrator/settings/fields.py.
# In production (INNGEST_DEV not set) these are required: {required}.
"""


def env_example() -> str:
    parts = [HEAD.format(required=", ".join(REQUIRED_IN_PRODUCTION))]
    for name, field in Settings.model_fields.items():
        if name.upper() not in SET_BY_THE_PLATFORM:
            parts.append(f"# {field.description}\n{_assignment(name.upper(), field)}\n")
    return "\n".join(parts)


def readme_table() -> str:
    rows = ["| variable | default | what |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{_text(field.default)}`"
        rows.append(f"| `{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"


def with_table(readme: str) -> str:
    return TABLE.sub(lambda match: match[1] + readme_table() + match[2], readme)


def _assignment(name: str, field: FieldInfo) -> str:
    if name in IN_DEVELOPMENT:
        return f"{name}={IN_DEVELOPMENT[name]}"
    default = "" if field.default is None else _text(field.default)
    return f"# {name}={default}"


def _text(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


def main() -> None:
    (ROOT / ".env.example").write_text(env_example())
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text()))


if __name__ == "__main__":
    main()
