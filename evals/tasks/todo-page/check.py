import pathlib
import re

page, script = pathlib.Path("index.html").read_text(), pathlib.Path("app.js").read_text()
assert pathlib.Path("style.css").stat().st_size > 0
for name in ("new", "add", "items"):
    assert re.search(rf"""id=["']?{name}\b""", page), name
assert "app.js" in page and "style.css" in page
assert "localStorage" in script
assert "innerHTML" not in script and "insertAdjacentHTML" not in script and "document.write" not in script
assert "checkbox" in script + page
