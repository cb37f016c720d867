ROWS = [{"name": "a|b", "n": 5}, {"name": "long name", "n": 12}, {"name": "x"}]


def check(project):
    empty, text = project.answers(f"from table import render; answers += [render([]), render({ROWS!r})]")
    assert empty == ""
    lines = text.strip().split("\n")
    cells = [[cell.strip() for cell in line.strip().replace("\\|", "\0").strip("|").split("|")] for line in lines]
    assert cells[0] == ["name", "n"], cells
    assert cells[1][1].endswith(":") and not cells[1][1].startswith(":") and set(cells[1][1]) <= {"-", ":"}, cells
    assert cells[2] == ["a\0b", "5"] and cells[4] == ["x", ""], cells
    assert len({len(line) for line in lines}) == 1, "columns are not padded"
    assert lines[2].rstrip().rstrip("|").rstrip().endswith(" 5"), lines[2]
