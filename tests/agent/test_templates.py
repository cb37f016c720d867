"""What an empty project begins with: by the request, or where the prompt names a kind; and how a run treats it."""

from __future__ import annotations

import json

import pytest

from agent import prompts
from agent.checks import build_of, check, run_build
from agent.entries import Entry
from agent.loop import run_code_agent
from agent.memory_store import MemoryStore
from agent.messages import ModelReply, RunRequest, RunResult
from agent.protocols import Sandbox
from agent.templates import NAMES, TEMPLATES, choose
from tests.agent.fakes import AtOnce, ScriptedModel, says, writes


def nothing() -> None:
    pass


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("A tip calculator in Next.js", "nextjs"),
        ("a React dashboard", "nextjs"),
        ("nextjs landing page", "nextjs"),
        ("a Python tool that renames photos", "python"),
        ("a python script that writes an html report", "python"),
        ("a landing page for my bakery", "static"),
        ("a web page, without React", "static"),
        ("a website. Not Next.js please", "static"),
        ("a tip calculator", None),
        ("a Vue web page", None),
        ("write `roman.py` in Python", None),
        ("a page at index.html with style.css", None),
        ("a React app with a Python API", None),
        ("a Rust web page", None),
    ],
)
def test_a_prompt_that_names_a_kind_gets_its_template_and_no_other_one(prompt: str, expected: str | None) -> None:
    template = choose(prompt, None)
    assert (template.name if template else None) == expected


def test_what_the_request_says_goes_before_what_the_prompt_seems_to_say() -> None:
    assert [template.name for name in NAMES if (template := choose("a Python script", name))] == list(NAMES)


@pytest.mark.parametrize("template", TEMPLATES, ids=NAMES)
def test_templates_pass_the_checks_of_what_is_made_from_them(jail: Sandbox, template: object) -> None:
    tree = next(each.tree for each in TEMPLATES if each is template)
    with jail.hold(nothing):
        assert jail.write(tree, nothing) == {}
        assert check({path: entry.content for path, entry in tree.items()}, jail, 30, nothing).problems == []


def run(
    sandbox: Sandbox, store: MemoryStore, value: str, *replies: ModelReply, **asked: str
) -> tuple[AtOnce, RunResult]:
    step, model = AtOnce(store), ScriptedModel(*replies)
    request = RunRequest(run_id="run_1", project_id="p1", value=value, model="scripted", **asked)
    result = run_code_agent(request, step, model=model, sandbox=sandbox, store=store)
    step.opening = model.asked[0][0].content  # type: ignore[attr-defined]
    return step, result


def test_an_empty_project_begins_with_its_template_which_viewers_and_the_model_see(jail: Sandbox) -> None:
    page = "<!doctype html><title>Mine</title><p>Mine"
    store = MemoryStore()
    step, result = run(jail, store, "a web page", says("a", writes(index__html=page)), says("Done."))
    created = [data["path"] for data in step.events.of("file-created")]
    assert created == ["app.js", "index.html", "style.css"]
    told = step.opening  # type: ignore[attr-defined]
    assert prompts.TEMPLATE.partition("{")[0] in told and "- index.html\n- style.css" in told
    assert (result.outcome, result.framework) == ("done", "static")
    assert result.files["index.html"] == page and sorted(store.project) == created


def test_a_template_alone_is_nothing_made(jail: Sandbox) -> None:
    _, result = run(jail, MemoryStore(), "a web page", says("All done!"))
    assert result.outcome == "partial"


def test_a_project_that_is_there_gets_no_template(jail: Sandbox) -> None:
    store = MemoryStore({"a.txt": Entry(b"a")})
    step, _ = run(jail, store, "a web page", says("a", writes(b__txt="b")), says("Done."), framework="nextjs")
    assert sorted(store.project) == ["a.txt", "b.txt"]
    assert prompts.EXISTING in step.opening  # type: ignore[attr-defined]


BUILDS = {"package.json": json.dumps({"scripts": {"build": "node build.js"}}).encode()}
WORKS = (
    "const fs = require('fs'); fs.mkdirSync('out', {recursive: true}); fs.writeFileSync('out/index.html', '<p>built');"
)
FAILS = "console.error('app/page.tsx:3 Cannot find name x'); process.exit(1);"


@pytest.mark.parametrize(
    ("files", "has_one"),
    [
        (BUILDS, True),
        ({"package.json": b'{"scripts": {"test": "x"}}'}, False),
        ({"package.json": b'{"scripts": []}'}, False),
        ({"package.json": b"{"}, False),
        ({"package.json": b"[]"}, False),
        ({"a.py": b""}, False),
    ],
)
def test_a_project_is_built_where_its_package_says_how(files: dict[str, bytes], has_one: bool) -> None:
    assert (build_of(files) is not None) == has_one


def test_a_build_that_fails_goes_back_to_the_model_with_its_output_and_what_is_built_is_kept(jail: Sandbox) -> None:
    first = writes(package__json=BUILDS["package.json"].decode(), build__js=FAILS)
    store = MemoryStore()
    step, result = run(
        jail, store, "x", says("a", first), says("Done."), says("b", writes(build__js=WORKS)), says("Done.")
    )
    assert [name for name in step.ran if name.startswith("check")] == ["check-1", "check-2"]
    [failed] = [said for said in step.events.of("status") if said.startswith("Check: `npm run build` fails")]
    assert "app/page.tsx:3 Cannot find name x" in failed and "(exit code 1)" in failed
    assert (result.outcome, result.files["out/index.html"]) == ("done", "<p>built")
    assert "out/index.html" in store.project


def test_a_run_whose_project_could_not_be_built_is_not_done_and_the_model_is_not_asked_to_mend_that(
    jail: Sandbox,
) -> None:
    package = json.dumps({"scripts": {"build": "next build"}, "dependencies": {"next": "16"}})
    step, result = run(jail, MemoryStore(), "x", says("a", writes(package__json=package)), says("Done."))
    assert [name for name in step.ran if name.startswith("check")] == ["check-1"]
    assert result.outcome == "partial"
    cause = "registry.npmjs.org:443: there is no network (AGENT_SANDBOX_ALLOW lists no hosts)"
    assert result.missing == f"It could not be built: npm run build: what it needs cannot be installed here ({cause})."


def test_what_cannot_be_installed_here_is_said_and_no_problem_of_the_files(jail: Sandbox) -> None:
    package = json.dumps({"scripts": {"build": "next build"}, "dependencies": {"next": "16"}}).encode()
    build = build_of({"package.json": package})
    assert build is not None
    with jail.hold(nothing):
        jail.write({"package.json": Entry(package)}, nothing)
        found = run_build(build, jail, 60, nothing)
    assert found.problems == []
    assert found.unbuilt.startswith("npm run build: what it needs cannot be installed here (")


def test_what_cannot_be_installed_anywhere_goes_back_to_the_model(jail: Sandbox) -> None:
    """A registry that was reached and has no such package, a package.json that npm does not understand."""
    package = json.dumps({"scripts": {"build": "true"}, "dependencies": {"mine": "file:./there-is-none", "x": "^^1"}})
    build = build_of({"package.json": package.encode()})
    assert build is not None
    with jail.hold(nothing):
        jail.write({"package.json": Entry(package.encode())}, nothing)
        found = run_build(build, jail, 60, nothing)
    assert not found.unbuilt
    assert found.problems[0].startswith("`npm run build`: what it needs cannot be installed:\nnpm ")


def test_a_build_that_does_not_end_is_ended(jail: Sandbox) -> None:
    build = build_of(BUILDS)
    assert build is not None
    with jail.hold(nothing):
        jail.write({"package.json": Entry(b'{"scripts": {"build": "sleep 60"}}')}, nothing)
        jail.run("mkdir node_modules", timeout=20, on_output=lambda *_: None, check=nothing)
        found = run_build(build, jail, 2, nothing)
    [problem] = found.problems
    assert problem.startswith("`npm run build` fails:") and "killed: it took longer than 2 s" in problem
