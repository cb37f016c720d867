import json
import pathlib

paths = sorted(pathlib.Path("data").glob("*.json"))
assert len(paths) == 40
for number, path in enumerate(paths):
    assert json.loads(path.read_text()) == {"number": number, "names": ["a", "b"]}, path
