"""The reference solution, as an edit of the generated file."""

import pathlib

path = pathlib.Path("rates.py")
head, mark, tail = path.read_text().partition("def region_097")
path.write_text(head + mark + tail.replace("net * 100 /", "net * 116 /", 1))
