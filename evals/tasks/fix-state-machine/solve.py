"""The reference solution, as an edit of the generated file."""

import pathlib

path = pathlib.Path("machine.py")
old = 'if state == "s211":\n        if event == "next":\n            return "s211"'
path.write_text(path.read_text().replace(old, old.replace('return "s211"', 'return "s212"')))
