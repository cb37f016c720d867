"""What nobody expects in a run, a file or a browser leaves the page alive, and says what it is."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from lab.llm import says
from lab.model_server import Gate, ModelServer
from tests.console.person import Unique, start, start_and_read, state
from tests.reliability.scripts import DONE

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("args", [{"files": [None]}, {"files": None}, {"files": "abc"}, {"path": {"a": 1}}], ids=str)
def test_a_call_that_makes_no_sense_does_not_stop_the_transcript(
    page: Page, model_server: ModelServer, unique: Unique, args: dict[str, Any]
) -> None:
    prompt = model_server.script(unique("args"), says(calls=(("readFiles", json.dumps(args)),)), says("Later words"))
    start(page, prompt, prompt)
    expect(page.get_by_role("log")).to_contain_text("Later words")


def test_a_state_is_read_out_once_however_long_it_lasts(page: Page, model_server: ModelServer, unique: Unique) -> None:
    """A node that screen readers watch is not written again with the same words."""
    gate = Gate()
    prompt = model_server.script(unique("aloud"), gate, DONE)
    start_and_read(page, prompt, gate, "word")
    expect(state(page)).to_have_text("running")
    said = page.evaluate(SAID)
    gate.finish()
    assert said == {"drawn": 3, "spoken": 0}


SAID = """
() => new Promise((done) => {
  const said = { drawn: 0, spoken: 0 };
  const what = { childList: true, characterData: true, subtree: true };
  const watch = (node, act) => new MutationObserver(act).observe(node, what);
  for (const node of document.querySelectorAll("[role=status], [role=alert]")) watch(node, () => (said.spoken += 1));
  watch(document.querySelector(".facts"), () => (said.drawn += 1) === 3 && done(said));
})
"""


@pytest.mark.parametrize(
    ("path", "text", "coloured"),
    [
        ("a.js", "/* one */ 2", [["comment", "/* one */"], ["number", "2"]]),
        ("a.js", "1 /* open\nif", [["number", "1"], ["comment", "/* open\nif"]]),
        ("a.html", "<b><!-- open\n<i>", [["word", "<b"], ["word", ">"], ["comment", "<!-- open\n<i>"]]),
        ("a.py", r"""'a\'b' + "c" """, [["string", r"'a\'b'"], ["string", '"c"']]),
        ("a.py", r"""\' if ' """, [["word", "if"]]),
        ("a.js", r"""\` if ` """, [["word", "if"]]),
    ],
)
def test_what_is_open_or_escaped_is_passed_over_once(page: Page, path: str, text: str, coloured: list[Any]) -> None:
    """Where each of its characters was tried as a beginning, a file of them held the page up for ten seconds."""
    assert page.evaluate(COLOURED, [path, text]) == coloured


COLOURED = """
async ([path, text]) => {
  const { highlighted } = await import("/console/highlight.js");
  return [...highlighted(path, text).querySelectorAll("span")].map((span) => [span.className, span.textContent]);
}
"""


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("👩\u200d💻 ❤️\u200d🔥 می\u200cخواهم", "👩\u200d💻 ❤️\u200d🔥 می\u200cخواهم"),
        ("a\u200db.txt", "a\ufffdb.txt"),
        ("a\u200c", "a\ufffd"),
        ("\u202etxt\u200b", "\ufffdtxt\ufffd"),
    ],
    ids=ascii,
)
def test_joiners_are_kept_where_writing_needs_them(page: Page, text: str, seen: str) -> None:
    shown = "async (text) => (await import('/console/dom.js')).shown(text)"
    assert page.evaluate(shown, text) == seen


def test_a_run_is_started_from_a_page_that_came_over_plain_http(
    page: Page, context: BrowserContext, model_server: ModelServer, unique: Unique
) -> None:
    """There browsers know no crypto.randomUUID."""
    context.add_init_script("delete Crypto.prototype.randomUUID")
    page.reload()
    prompt = model_server.script(unique("plain"), DONE)
    start(page, prompt, prompt)
    expect(state(page)).to_have_text(re.compile("nothing-to-do|partial|done"))


def test_whoever_logs_out_without_a_network_is_told_that_they_did_not(page: Page, context: BrowserContext) -> None:
    expect(page.locator("#app")).to_be_visible()
    page.locator("#log-out").evaluate("(button) => (button.hidden = false)")
    context.set_offline(True)
    page.locator("#log-out").click()
    expect(page.locator("#connection")).to_have_text("The service does not answer")
    expect(page.locator("#app")).to_be_visible()
