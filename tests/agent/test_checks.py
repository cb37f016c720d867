"""Checks of a project's files, by kind: what is broken is found, what is right is let pass, what is unknown is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.checks import Result, check
from agent.entries import Entry
from agent.protocols import Sandbox
from agent.sandbox import open_sandbox

Check = Callable[[dict[str, str]], Result]


def nothing() -> None:
    pass


@pytest.fixture
def checked(jail: Sandbox) -> Iterator[Check]:
    def run(files: dict[str, str]) -> Result:
        contents = {path: text.encode() for path, text in files.items()}
        with jail.hold(nothing):
            assert jail.write({path: Entry(content) for path, content in contents.items()}, nothing) == {}
            return check(contents, jail, 30, nothing)

    yield run


PAGE = """\
import React from "react";
const quoted = /[{"'/]/g; // don't mind { this
/* nor { this */
export default function Page({ name }: { name: string }) {
  const text = `a ${name ? `b {${name}}` : "}"} c \\` {`;
  return <div style={{ color: "red" }}>Don't {name} can't :) {'}'} http://x.y/{name} <br /></div>;
}
"""
RIGHT = {
    "app.py": "async def f(): return [x async for x in y]\n",
    "module.js": "import x from './x.js';\nawait x;\n",
    "script.js": "with (a) { b = 010 }\n",
    "tool.cjs": "#!/usr/bin/env node\nif (require.main !== module) return;\n",
    "page.tsx": PAGE,
    "types.ts": "type A<T> = { [K in keyof T]?: T[K] };\nconst half = (a: number) => a / 2; // {\n",
    "index.html": (
        "<link href=style.css><a href='missing.html'>x</a><script src='https://x.y/z.js'></script><img src='{{ src }}'>"
        "<img src='/static/x.png'><script>if (a < b) {}</script>"
    ),
    "style.css": "",
    "a.json": '\ufeff{"a": 1}',
    "tsconfig.json": "{ // comments are usual here\n}",
    "b.toml": "a = 1\n",
    "c.yaml": "a: [1, 2]\n---\nb: 1\n",
}


def test_what_is_right_passes(checked: Check) -> None:
    assert checked(RIGHT).problems == []


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("a.py", "x = 1\ndef f(:\n", "a.py:2: invalid syntax"),
        ("a.py", "x = '\0'", "a.py:0: source code string cannot contain null bytes"),
        ("a.js", "const a = 1;\nfunction (\n", "a.js:2: Function statements require a function name"),
        ("a.mjs", "export const a = ;\n", "a.mjs:1: Unexpected token ';'"),
        ("page.tsx", PAGE.removesuffix("}\n"), "page.tsx:4: a { is not closed"),
        ("page.jsx", "const a = () => <p>{b}}</p>\n", "page.jsx:1: a } closes nothing"),
        ("a.ts", "const a = `b ${c}\n", "a.ts:1: a ` is not closed"),
        ("a.ts", "\n/* b\n", "a.ts:2: a comment is not closed"),
        ("a.html", "<p>\n<script src=./js/app.js></script>", "a.html:2: refers to js/app.js, which is not there"),
        ("x/a.html", "<link href='../style.css'>", "x/a.html:1: refers to style.css, which is not there"),
        ("a.html", "<p>\n<script>let a", "a.html:2: <script> is not closed"),
        ("a.html", "<!-- a --> \n<!-- b", "a.html:2: a comment is not closed"),
        ("a.json", '{"a": 1,}', "a.json: not well-formed JSON (Expecting property name enclosed in double quotes"),
        ("a.json", "[" * 100_000, "a.json: not well-formed JSON (maximum recursion depth exceeded"),
        ("a.toml", "a = \n", "a.toml: not well-formed TOML (Invalid value (at line 1, column 5))"),
        ("a.yaml", "a:\n\tb: 1\n", "a.yaml: not well-formed YAML ("),
        ("odd name's $(x).py", "(", "odd name's $(x).py:1: '(' was never closed"),
        ("-v.js", "(", "-v.js:1: Unexpected end of input"),
    ],
)
def test_what_is_broken_is_found(checked: Check, path: str, text: str, problem: str) -> None:
    """FINDINGS D9: only JSON and Python were known, a broken page.tsx passed."""
    [found] = checked({path: text}).problems
    assert found.startswith(problem)


def test_a_link_from_the_root_to_a_file_beside_its_page_is_found_as_pages_are_served_below_a_path(
    checked: Check,
) -> None:
    page = "<link href='/style.css'>\n<script src='/app.js'></script>"
    [found] = checked({"web/index.html": page, "web/style.css": "", "web/app.js": ""}).problems
    assert found.startswith(
        "web/index.html:1: refers to /style.css, which is only found at the root of a server: write ./"
    )
    assert checked({"templates/index.html": page, "static/style.css": ""}).problems == []


def test_a_file_of_the_project_cannot_stand_in_for_the_checks(checked: Check) -> None:
    """With the current folder on Python's path a project's ast.py was run instead of Python's own."""
    assert checked({"ast.py": "raise SystemExit(0)\n", "json.py": "raise SystemExit\n", "b.py": "("}).problems == [
        "b.py:1: '(' was never closed"
    ]


def test_jsx_in_js_files_is_no_mistake_in_a_react_project(checked: Check) -> None:
    files = {"package.json": '{"dependencies": {"react": "19"}}', "app.js": "export const a = <p>b</p>\n"}
    assert checked(files).problems == []


def test_typescript_is_read_by_the_projects_own_compiler_where_it_is(checked: Check) -> None:
    compiler = """
exports.JsxEmit = { Preserve: 1 };
exports.flattenDiagnosticMessageText = (text) => text;
exports.transpileModule = (text, options) => ({
  diagnostics: text.includes("<div></p>")
    ? [{ messageText: "no closing tag", start: 0, file: { getLineAndCharacterOfPosition: () => ({ line: 6 }) } }]
    : [],
});
"""
    found = checked({"node_modules/typescript/index.js": compiler, "page.tsx": "<div></p>", "right.tsx": "<div></div>"})
    assert found == Result(["page.tsx:7: no closing tag"])


def test_what_cannot_be_checked_is_said(checked: Check, tmp_path: Path) -> None:
    assert "TypeScript: its compiler is not installed here, only braces were looked at" in checked(RIGHT).unchecked
    refused = open_sandbox("none", tmp_path / "sandboxes", "run_refused")
    with refused.hold(nothing):
        found = check({"a.py": b"(", "b.json": b"("}, refused, 30, nothing)
    assert found == Result([], ["Python: python3 cannot be run here", "data: python3 cannot be run here"])


def test_a_check_that_hangs_ends_and_says_so(jail: Sandbox) -> None:
    with jail.hold(nothing):
        jail.run("mkfifo a.py", timeout=20, on_output=lambda *_: None, check=nothing)
        assert check({"a.py": b""}, jail, 0.1, nothing) == Result([], ["Python: python3 cannot be run here"])
