"""Which files of a project are its pages, and what a path below them means."""

from __future__ import annotations

import pytest

from orchestrator.previews.media_types import media_type
from orchestrator.previews.pages import Moved, OutsideError, Page, find_pages


@pytest.mark.parametrize(
    ("files", "folder", "start"),
    [
        pytest.param(["index.html", "style.css"], "", "", id="static"),
        pytest.param(["package.json", "index.html", "dist/index.html"], "dist/", "", id="vite"),
        pytest.param(["next.config.mjs", "out/index.html", "out/404.html", "public/index.html"], "out/", "", id="next"),
        pytest.param(["public/index.html", "src/App.js"], "public/", "", id="public-only"),
        pytest.param(["public/index.html", "build/index.html"], "build/", "", id="built-from-public"),
        pytest.param(["public/index.html", "index.html"], "", "", id="root-before-public"),
        pytest.param(["app/index.html", "app/dist/index.html", "docs/a/index.html"], "app/dist/", "", id="in-a-folder"),
        pytest.param(["src/index.html", "dist/app/browser/index.html"], "dist/app/browser/", "", id="angular"),
        pytest.param(["out/index.html", "out/about/index.html"], "out/", "", id="pages-in-folders"),
        pytest.param(["tip.html", "zebra.html", "a/first.html"], "", "tip.html", id="no-index"),
        pytest.param(["web/tip.html"], "web/", "tip.html", id="no-index-in-a-folder"),
        pytest.param([".cache/index.html", "site/index.html"], "site/", "", id="hidden"),
    ],
)
def test_the_built_pages_are_found(files: list[str], folder: str, start: str) -> None:
    pages = find_pages(files)
    assert pages is not None and (pages.folder, pages.start) == (folder, start)
    assert pages.find("", wants_page=False) == Page(f"{folder}{start or 'index.html'}")


@pytest.mark.parametrize("files", [[], ["tip.py", "README.md"], [".git/index.html"]])
def test_without_a_page_there_are_none(files: list[str]) -> None:
    assert find_pages(files) is None


FILES = [
    "out/index.html",
    "out/about.html",
    "out/blog/index.html",
    "out/a b.js",
    "out/.env",
    "out/.well-known/x",
    "a.py",
]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", Page("out/index.html")),
        ("index.html", Page("out/index.html")),
        ("about", Page("out/about.html")),
        ("about/", Page("out/about.html")),
        ("blog", Moved()),
        ("blog/", Page("out/blog/index.html")),
        ("a b.js", Page("out/a b.js")),
        (".well-known/x", Page("out/.well-known/x")),
        (".env", None),
        ("a.py", None),
        ("missing.js", None),
        ("users/5", Page("out/index.html")),
        ("users/5.png", None),
    ],
)
def test_a_path_means_a_file_a_folder_or_a_page_that_a_script_makes(asked: str, found: object) -> None:
    pages = find_pages(FILES)
    assert pages is not None and pages.find(asked, wants_page=True) == found


def test_a_project_with_a_page_for_what_is_not_there_shows_it() -> None:
    pages = find_pages([*FILES, "out/404.html"])
    assert pages is not None
    assert pages.find("users/5", wants_page=True) == pages.find("a.js", wants_page=True) == Page("out/404.html", 404)
    assert pages.find("users/5", wants_page=False) is None


@pytest.mark.parametrize(
    "asked", ["../a.py", "x/../../a.py", "..", ".", "x//y", "/etc/passwd", "..\\a.py", "a\0", "a\n"]
)
def test_a_path_that_leads_elsewhere_is_refused(asked: str) -> None:
    pages = find_pages(FILES)
    assert pages is not None
    with pytest.raises(OutsideError):
        pages.find(asked, wants_page=True)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("index.html", b"<p>", "text/html; charset=utf-8"),
        ("a.js", b"1", "text/javascript; charset=utf-8"),
        ("a.mjs", b"1", "text/javascript; charset=utf-8"),
        ("a.css", b"p{}", "text/css; charset=utf-8"),
        ("a.svg", b"<svg/>", "image/svg+xml; charset=utf-8"),
        ("a.webmanifest", b"{}", "application/manifest+json; charset=utf-8"),
        ("a.wasm", b"\0asm", "application/wasm"),
        ("a.woff2", b"wOF2\0", "font/woff2"),
        ("a.ts", b"let x: number", "text/plain; charset=utf-8"),
        ("x/a.png", b"\x89PNG\0", "image/png"),
        ("a.tar.gz", b"\x1f\x8b\0", "application/octet-stream"),
        ("LICENSE", b"free", "text/plain; charset=utf-8"),
        ("a.html", b"\xff\xfe", "text/html"),
        ("data.bin", b"\0\1", "application/octet-stream"),
    ],
)
def test_browsers_are_told_what_a_file_is(name: str, content: bytes, expected: str) -> None:
    assert media_type(name, content) == expected
