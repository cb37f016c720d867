"""The console in a real browser: what a run does is seen as it happens, over reloads, kills and second browsers."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from agent import templates
from lab.llm import fails, says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from tests.console.conftest import WIDE
from tests.console.person import Unique, start, start_and_read, state
from tests.reliability.scripts import DONE, runs, writes

pytestmark = pytest.mark.browser


def test_a_run_is_started_and_seen_to_its_end(page: Page, model_server: ModelServer, unique: Unique) -> None:
    prompt = model_server.script(
        unique("see"), writes("app/main.py", "def f():\n    return 'x'  # y\n"), runs("echo out; echo err >&2"), DONE
    )
    start(page, prompt, prompt)
    expect(state(page)).to_have_text("done")
    expect(page.locator("#connection")).to_be_empty()
    log = page.get_by_role("log")
    expect(log).to_contain_text("I write this.")
    expect(log.locator(".tool .out").last).to_have_text("out\n")
    expect(log.locator(".tool .err").last).to_have_text("err\n")
    steps = page.locator(".steps .name")
    assert steps.all_inner_texts() == [
        *("prepare", "model-1", "tool-1-1", "model-2", "tool-2-1", "model-3", "check-1", "finish")
    ]
    page.get_by_role("tab", name="Files").click()
    expect(page.locator(".file h3")).to_have_text("app/main.py")
    expect(page.locator(".code .word").first).to_have_text("def")
    page.get_by_role("tab", name="Files").press("ArrowRight")
    page.get_by_role("tab", name="Preview").press("ArrowRight")
    expect(page.locator(".lines li").first).to_contain_text("Accepted")


def test_a_reload_and_a_second_browser_go_on_with_the_run(
    page: Page, browser: Browser, console: Service, model_server: ModelServer, unique: Unique
) -> None:
    gate = Gate()
    prompt = model_server.script(unique("again"), gate, DONE)
    start_and_read(page, prompt, gate, "the first half")
    page.reload()
    expect(page.get_by_role("log")).to_contain_text("the first half")
    expect(page.locator("#connection")).to_have_text("live")
    with browser.new_context(viewport=WIDE) as context:
        second = context.new_page()
        second.goto(page.url)
        expect(second.get_by_role("log")).to_contain_text("the first half")
        gate.finish("and the second")
        for one in (page, second):
            expect(one.get_by_role("log")).to_contain_text("the first half and the second")
            expect(state(one)).to_have_text(re.compile("nothing-to-do|partial|done"))


def test_a_killed_worker_is_seen_and_so_is_what_was_taken_back(
    page: Page, console: Service, model_server: ModelServer, unique: Unique
) -> None:
    gate = Gate()
    prompt = model_server.script(unique("kill"), gate, writes("a.txt", "a"), DONE)
    run_id = start_and_read(page, prompt, gate, "words that will not stand")
    console.kill_workers()
    expect(page.get_by_role("log")).to_contain_text("Taken back: model-1")
    expect(page.locator(".said.undone")).to_contain_text("words that will not stand")
    expect(state(page)).to_have_text("done")
    expect(page.locator(".steps li", has_text="model-1").locator(".bar.undone")).to_have_count(1)
    assert console.http.get(f"/agent/run/{run_id}").json()["status"] == "complete"


@pytest.mark.parametrize("allow", [True, False], ids=["allow", "forbid"])
def test_a_question_is_answered_on_the_page(page: Page, model_server: ModelServer, unique: Unique, allow: bool) -> None:
    prompt = model_server.script(unique("ask"), runs("echo ask-me"), writes("a.txt", "a"), DONE)
    start(page, prompt, prompt)
    expect(state(page)).to_have_text("waiting")
    page.get_by_role("button", name="Allow" if allow else "Forbid").click()
    expect(page.locator(".approval .result")).to_contain_text("Allowed" if allow else "Forbidden")
    expect(state(page)).to_have_text("done")
    expect(page.locator(".tool .out").filter(has_text="ask-me")).to_have_count(int(allow))


def test_a_run_is_told_something_and_cancelled(page: Page, model_server: ModelServer, unique: Unique) -> None:
    first, second = Gate(), Gate()
    prompt = model_server.script(unique("steer"), first, second, DONE)
    start(page, prompt, prompt)
    first.wait_until_asked()
    page.get_by_label("Tell it").last.fill("in green, please")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".item.user")).to_have_text("in green, please")
    first.finish("ok")
    second.wait_until_asked()
    assert page.locator(".steps .name").all_inner_texts()[:3] == ["prepare", "model-1", "check-1"]  # no message
    page.get_by_role("button", name="Cancel").click()
    expect(state(page)).to_have_text("cancelled")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()


def test_a_run_goes_on_from_a_step_as_another_one(page: Page, model_server: ModelServer, unique: Unique) -> None:
    prompt = model_server.script(unique("fork"), writes("a.txt", "a"), writes("b.txt", "b"), DONE)
    first = start(page, prompt, prompt)
    expect(state(page)).to_have_text("done")
    asked = model_server.calls(prompt)
    page.locator(".steps li", has_text="model-2").get_by_role("button", name="Fork").click()
    page.get_by_role("button", name="Fork", exact=True).last.click()
    page.wait_for_url(lambda url: first not in url)
    expect(state(page)).to_have_text("done")
    expect(page.get_by_role("log")).to_contain_text(f"Forked from {first}")
    expect(page.get_by_role("log")).to_contain_text("a.txt")
    assert model_server.calls(prompt) == asked + 1, "only what came after the step is asked, and paid, again"


def test_a_failed_run_goes_on_from_its_failure_and_is_deleted(
    page: Page, model_server: ModelServer, unique: Unique
) -> None:
    prompt = model_server.script(unique("retry"), writes("a.txt", "a"), fails(401, "no such key"), DONE)
    start(page, prompt, prompt)
    expect(state(page)).to_have_text("failed")
    expect(page.locator("#run .problem")).to_contain_text("no such key")
    failed = page.locator(".steps li", has_text="model-2")
    expect(failed.locator(".bar.failed")).to_have_count(1)
    expect(failed.get_by_role("button", name="Fork")).to_be_hidden()
    page.get_by_role("button", name="Go on").click()
    expect(state(page)).to_have_text("done")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#run")).to_contain_text("Start a run, or choose one.")


HOSTILE = (
    "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    "\u202etxet\u202c\u061c \x1b[31m \u0007 <svg/onload=alert(1)> javascript:alert(1)"
)


def test_nothing_that_a_run_says_is_taken_for_markup(page: Page, model_server: ModelServer, unique: Unique) -> None:
    prompt = unique("hostile") + HOSTILE
    file = writes("<b onmouseover=alert(1)>.html", HOSTILE)
    model_server.script(prompt, says(HOSTILE), file, runs(f"printf '%s' '{HOSTILE.replace(chr(39), '')}'"), DONE)
    start(page, prompt, prompt[:100])
    expect(state(page)).to_have_text(re.compile("done|partial"))
    for name in ("Files", "Preview", "Events", "Transcript"):
        page.get_by_role("tab", name=name).click()
    assert page.title() == "Runwire"
    run = page.locator("#run")
    assert run.locator("img, script, svg").count() == 0
    said = run.inner_text() + page.locator("#runs").inner_text()
    assert not {"\u202e", "\u061c", "\x1b", "\x07"} & set(said)
    assert "<img src=x" in said


def test_it_fits_a_narrow_screen_in_the_dark(
    browser: Browser, console: Service, model_server: ModelServer, unique: Unique
) -> None:
    prompt = model_server.script(unique("narrow"), writes("a" * 60 + ".txt", "x" * 500), runs("seq 1000"), DONE)
    with browser.new_context(viewport={"width": 360, "height": 700}, color_scheme="dark") as context:
        page = context.new_page()
        page.goto(console.url)
        start(page, prompt, prompt)
        expect(state(page)).to_have_text("done")
        for name in ("Files", "Preview", "Events", "Transcript"):
            page.get_by_role("tab", name=name).click()
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(22, 24, 27)"


def test_a_run_that_is_not_there_is_said(page: Page, console: Service) -> None:
    page.goto(f"{console.url}/#/run/run_that_never_was")
    expect(page.locator("#run .problem")).to_have_text("Unknown or expired run")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    for odd in ("%3Cimg%20src=x%3E", "%", "%F0%9F", "a/../b", "x" * 65):
        page.goto(f"{console.url}/#/run/{odd}")
        expect(page.locator("#run")).to_have_text("There is no such run")


def test_a_built_page_is_shown_under_each_name_of_this_machine(
    page: Page, console: Service, model_server: ModelServer, unique: Unique
) -> None:
    prompt = model_server.script(unique("page"), writes("index.html", "<title>x</title>built"), DONE)
    run_id = start(page, prompt, prompt)
    expect(state(page)).to_have_text("done")
    for name in ("127.0.0.1", "localhost"):
        page.goto(f"http://{name}:{console.port}/#/run/{run_id}")
        page.get_by_role("tab", name="Preview").click()
        expect(page.frame_locator(".preview iframe").locator("body")).to_have_text("built")


def test_a_framework_is_chosen_and_run_again_with_it(
    page: Page, console: Service, model_server: ModelServer, unique: Unique
) -> None:
    prompt = model_server.script(unique("choose"), DONE, DONE)
    offered = page.get_by_label("Framework").locator("option").evaluate_all("all => all.map((one) => one.value)")
    assert offered == ["", *templates.NAMES]
    page.get_by_label("Framework").select_option("python")
    first = start(page, prompt, prompt)
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda url: first not in url)
    second = page.url.rpartition("/")[2]
    assert [console.http.get(f"/agent/run/{one}").json()["framework"] for one in (first, second)] == ["python"] * 2


def test_it_can_be_used_without_a_mouse(page: Page, model_server: ModelServer, unique: Unique) -> None:
    prompt = model_server.script(unique("keys"), writes("a.txt", "a"), DONE)
    expect(page.get_by_label("Prompt")).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.type(prompt)
    page.keyboard.press("Control+Enter")
    expect(state(page)).to_have_text("done")
    assert page.evaluate(UNNAMED) == []
    page.locator(".skip").press("Enter")
    expect(page.locator("#run")).to_be_focused()
    expect(state(page)).to_have_text("done")


def test_what_was_taken_back_moved_and_said_meanwhile_is_in_its_place(page: Page) -> None:
    """The model of the page alone: each sees its own kind of event."""
    assert page.evaluate(MODEL) == {
        "steps": {"model-1": ["done 1000 3000"], "tool-1-1": ["undone 3000 4000", "failed 9000 9500"]},
        "waits": {"model-1": 500, "tool-1-1": None},
        "files": {"a.txt": "old", "b.txt": None},
    }


MODEL = """
async () => {
  const { RunModel } = await import("/console/model.js");
  const model = new RunModel();
  let id = 0;
  const add = (timestamp, step, type, data, attempt = 0, more = {}) =>
    model.add({ id: ++id, timestamp, step, attempt, type, data, ...more });
  const file = (content) => ({ path: "a.txt", content, size: 3 });
  add(500, "request", "status", "Accepted");
  add(1000, "model-1", "text", "a");
  add(1500, "message_1", "user-message", { value: "b" });
  add(2000, "model-1", "text", "c");
  add(3000, "tool-1-1", "file-created", file("old"));
  add(3500, "tool-1-1", "file-updated", file("new"));
  add(4000, "tool-1-1", "file-created", { ...file("x"), path: "b.txt" });
  add(8000, "request", "status", "moved");
  const discarded = { step: "tool-1-1", attempt: 0, fromId: 6, toId: 7, reason: "it died" };
  add(9000, "tool-1-1", "rollback", discarded, 1);
  add(9000, "tool-1-1", "text", "d", 1);
  add(9500, "", "error", "no", 0, { code: "failed" });
  const each = (read) => Object.fromEntries([...model.steps.values()].map((step) => [step.name, read(step)]));
  return {
    steps: each(({ attempts }) => attempts.map(({ state, from, to }) => `${state} ${from} ${to}`)),
    waits: each(({ waitsFrom }) => waitsFrom),
    files: Object.fromEntries(["a.txt", "b.txt"].map((path) => [path, model.files.get(path)?.content ?? null])),
  };
}
"""

UNNAMED = """
[...document.querySelectorAll("button, a, input, select, textarea, iframe")]
  .filter((e) => e.checkVisibility())
  .filter((e) => !(e.textContent + (e.labels?.[0]?.textContent ?? "") + (e.ariaLabel ?? "") + e.title).trim())
  .map((e) => e.outerHTML)
"""
