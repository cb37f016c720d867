"""The reference solution, as an edit of a generated file."""

import pathlib

path = pathlib.Path("data/23.json")
path.write_text(path.read_text().replace('"b"}', '"b"]}'))
