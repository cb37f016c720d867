def check(project):
    none, found, empty, half, whole, unknown = project.answers("""
from validate import problems

schema = {"type": "object", "required": ["items"], "properties": {
    "items": {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string"}, "n": {"type": "integer", "minimum": 1, "maximum": 9}}}},
    "kind": {"enum": ["a", "b"]}}}
answers.append(problems({"items": [{"name": "x", "n": 3}], "kind": "a"}, schema))
wrong = [{"name": 1}, {}, {"name": "x", "n": 10}, {"name": "x", "n": True}]
answers.append(problems({"items": wrong, "kind": "c"}, schema))
answers += [problems({}, schema), problems(1.5, {"type": "integer"}), problems(2, {"type": "number"})]
answers.append(tried(problems, 1, {"pattern": "x"}))
""")
    assert none == whole == [] and unknown == "ValueError", (none, whole, unknown)
    paths = sorted(line.split(":")[0] for line in found)
    assert len(found) == 5, found
    assert paths[0] == "$.items[0].name" and "$.kind" in paths and "$.items[2].n" in paths and "$.items[3].n" in paths, paths
    assert all(line.startswith("$") for line in empty + half) and len(empty) == len(half) == 1, (empty, half)
