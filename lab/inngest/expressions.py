"""The sliver of Inngest's expression language (CEL) that a comparison of two values needs."""

import re
from typing import Any

PATH = r"(?:event|async)(?:\.\w+)+"
COMPARISON = re.compile(rf"^\s*(?P<left>{PATH})\s*==\s*(?P<right>{PATH}|'[^']*'|\"[^\"]*\")\s*$")


class UnsupportedExpression(ValueError):
    """The executor does not understand an expression; better said at registration than silently never true."""


def check(expression: str | None) -> None:
    if expression and not COMPARISON.match(expression):
        raise UnsupportedExpression(f"expected `event.a.b == async.c.d` or `event.a.b == 'text'`, got {expression!r}")


def is_true(expression: str | None, **variables: Any) -> bool:
    """Evaluate with `event` (and `async_` for `async`, which is a keyword in Python); no expression means yes."""
    if not expression:
        return True
    comparison = COMPARISON.match(expression)
    if comparison is None:
        raise UnsupportedExpression(expression)
    left, right = (_value(comparison[side], variables) for side in ("left", "right"))
    return left is not None and bool(left == right)


def _value(term: str, variables: dict[str, Any]) -> Any:
    if term[0] in "'\"":
        return term[1:-1]
    root, *path = term.split(".")
    value = variables.get("async_" if root == "async" else root)
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
