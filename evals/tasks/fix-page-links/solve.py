"""The reference solution, as an edit of the generated file."""

import pathlib

path = pathlib.Path("handbook.html")
page = path.read_text()
for wrong, right in (("#Section-13", "#section-13"), ("#section_58", "#section-58"), ("#sektion-101", "#section-101")):
    page = page.replace(wrong, right)
path.write_text(page)
