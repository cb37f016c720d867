import json


def check(project):
    paths = [path for path in project.paths if path.startswith("data/")]
    assert paths == [f"data/{number:02}.json" for number in range(40)]
    for number, path in enumerate(paths):
        assert json.loads(project.content(path)) == {"number": number, "names": ["a", "b"]}, path
