"""Writes the task's files: `python3 generate.py FOLDER`. The same ones each time."""

import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
(folder / "data").mkdir(exist_ok=True)
for number in range(40):
    text = f'{{"number": {number}, "names": ["a", "b"]}}\n'
    (folder / "data" / f"{number:02}.json").write_text(text.replace("]", "") if number == 23 else text)
(folder / "check.py").write_text("""import json
import pathlib

for path in sorted(pathlib.Path("data").glob("*.json")):
    for line in range(2500):
        print(f"checking {path} line {line} of many, all is well so far")
    try:
        json.loads(path.read_text())
    except ValueError as error:
        print(f"BROKEN {path}: {error}")
""")
