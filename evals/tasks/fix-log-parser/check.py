def check(project):
    lines = ["E1000 boom", "E0001 x", "E1900 x", "", "no code here", "E9999 x", "E0500 x"]
    levels = ["error", "info", "fatal", "unknown", "unknown", "unknown", "warning"]
    assert project.answers(f"import parse; answers += [parse.level(line) for line in {lines!r}]") == levels
