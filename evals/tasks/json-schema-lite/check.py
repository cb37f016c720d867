from validate import problems

schema = {"type": "object", "required": ["items"], "properties": {
    "items": {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string"}, "n": {"type": "integer", "minimum": 1, "maximum": 9}}}},
    "kind": {"enum": ["a", "b"]}}}
assert problems({"items": [{"name": "x", "n": 3}], "kind": "a"}, schema) == []
found = problems({"items": [{"name": 1}, {}, {"name": "x", "n": 10}, {"name": "x", "n": True}], "kind": "c"}, schema)
paths = sorted(line.split(":")[0] for line in found)
assert len(found) == 5, found
assert paths[0] == "$.items[0].name" and "$.kind" in paths and "$.items[2].n" in paths and "$.items[3].n" in paths, paths
assert problems({}, schema) and problems(1.5, {"type": "integer"}) and not problems(2, {"type": "number"})
try:
    problems(1, {"pattern": "x"})
except ValueError:
    pass
else:
    raise AssertionError("an unknown keyword was taken")
