import re


def check(project):
    page, script = project.text("index.html"), project.text("app.js")
    assert project.content("style.css")
    for name in ("new", "add", "items"):
        assert re.search(rf"""id=["']?{name}\b""", page), name
    assert "app.js" in page and "style.css" in page
    assert "localStorage" in script
    assert "innerHTML" not in script and "insertAdjacentHTML" not in script and "document.write" not in script
    assert "checkbox" in script + page
