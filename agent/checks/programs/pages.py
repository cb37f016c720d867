"""Pages that refer to files which are not there, or end inside a script, a style or a comment."""

import os
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

REFERENCES = {"script": "src", "link": "href", "img": "src", "source": "src", "audio": "src", "video": "src"}
MUST_END = ("script", "style", "title", "textarea")


class Page(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.open: list[tuple[str, int]] = []
        self.has_rooted = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in MUST_END:
            self.open.append((tag, self.getpos()[0]))
        reference = dict(attrs).get(REFERENCES.get(tag, ""))
        if reference and (missing := self.missing(reference)):
            self.say(self.getpos()[0], f"refers to {missing}, which is not there")
        if reference and not self.has_rooted and (beside := self.beside(reference)):
            self.has_rooted = True
            self.say(
                self.getpos()[0],
                f"refers to /{beside}, which is only found at the root of a server: write ./{beside} "
                "(for all such links; a build tool has a setting for it)",
            )

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1][0] == tag:
            self.open.pop()

    def missing(self, reference: str) -> str | None:
        """The file that a reference names, if it is one of this project and is not there."""
        url = urlsplit(reference.strip())
        target = unquote(url.path)
        if url.scheme or url.netloc or not target or any(mark in target for mark in "{}<>$"):
            return None  # elsewhere, or filled in by a template
        if target.startswith("/"):
            return None  # a server decides what that is
        found = os.path.normpath(os.path.join(os.path.dirname(self.path), target))
        return None if os.path.lexists(found) else found[:200]

    def beside(self, reference: str) -> str | None:
        """The file beside this page that a reference means and names by a path from the root."""
        url = urlsplit(reference.strip())
        target = unquote(url.path).lstrip("/")
        if url.scheme or url.netloc or not url.path.startswith("/") or not target:
            return None
        return target[:200] if os.path.lexists(os.path.join(os.path.dirname(self.path), target)) else None

    def say(self, line: int, what: str) -> None:
        print(f"! {self.path[2:]}:{line}: {what}")


for path in sys.argv[1:]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError as error:
        print(f"? {path[2:]}: {error.strerror}")
        continue
    page = Page(path)
    page.feed(text)
    for tag, line in page.open:
        page.say(line, f"<{tag}> is not closed")
    if text.count("<!--") > text.count("-->"):
        page.say(text.count("\n", 0, text.rindex("<!--")) + 1, "a comment is not closed")
