"""Writes what is made from the list of event types: `python -m tools.event_docs`.

In docs/events.md the table between the two `events` comments is replaced; clients/js/src/events.ts is written whole.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from orchestrator.event_types import EVENT_TYPES, GAP, EventType

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "events.md"
TYPES = ROOT / "clients" / "js" / "src" / "events.ts"
TABLE = re.compile(r"(<!-- events -->\n).*?(<!-- /events -->)", re.DOTALL)
NAMES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}

HEAD = """\
// Made by `python -m tools.event_docs` from orchestrator/event_types.py.

/** What stands around `data` in every event. */
interface Envelope<Type extends string, Data> {
  /** 1, 2, 3 … per run; a `gap` has none. */
  id: number;
  runId: string;
  type: Type;
  data: Data;
  /** Milliseconds since the epoch. */
  timestamp: number;
  step: string;
  attempt: number;
  /** Beside a `data` that was cut. */
  truncated?: boolean;
  /** Of `error`: `failed`, `refused`, `cancelled`, `timeout` or `lost`. */
  code?: string;
  /** Of an `error` with the code `cancelled`: what had been done. */
  receipt?: { stepsDone: string[]; stepInterrupted: string | null; filesWritten: string[] };
}
"""


def table() -> str:
    rows = ["| type | data | when |", "| --- | --- | --- |"]
    for kind in (*EVENT_TYPES, GAP):
        shape = typescript(kind.data).replace("|", "\\|")
        rows.append(f"| `{kind.name}` | `{shape}` | {kind.when} |")
    return "\n".join(rows) + "\n"


def with_table(page: str) -> str:
    return TABLE.sub(lambda match: match[1] + table() + match[2], page)


def module() -> str:
    kinds = (*EVENT_TYPES, GAP)
    members = "".join(f"\n  | {_name(kind)}" for kind in kinds)
    return HEAD + "\n" + "\n".join(map(_declaration, kinds)) + f"\nexport type RunwireEvent ={members};\n"


def typescript(data: Any) -> str:
    """A pydantic type as TypeScript."""
    schema = TypeAdapter(data).json_schema(by_alias=True)
    return _ts(schema, schema.get("$defs", {}))


def _declaration(kind: EventType) -> str:
    return f'/** {kind.when} */\nexport type {_name(kind)} = Envelope<"{kind.name}", {typescript(kind.data)}>;\n'


def _name(kind: EventType) -> str:
    return "".join(word.capitalize() for word in kind.name.split("-")) + "Event"


def _ts(schema: dict[str, Any], defs: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _ts(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return " | ".join(_ts(one, defs) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if "properties" in schema:
        required = schema.get("required", [])
        fields = [
            f"{name}{'' if name in required else '?'}: {_ts(field, defs)}"
            for name, field in schema["properties"].items()
        ]
        return f"{{ {'; '.join(fields)} }}"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"Record<string, {_ts(values, defs) if isinstance(values, dict) else 'unknown'}>"
    if schema.get("type") == "array" and "items" in schema:
        return f"Array<{_ts(schema['items'], defs)}>"
    return NAMES.get(str(schema.get("type")), "unknown")


def main() -> None:
    PAGE.write_text(with_table(PAGE.read_text()))
    TYPES.write_text(module())


if __name__ == "__main__":
    main()
