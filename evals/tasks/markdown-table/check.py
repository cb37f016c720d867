from table import render

assert render([]) == ""
text = render([{"name": "a|b", "n": 5}, {"name": "long name", "n": 12}, {"name": "x"}])
lines = text.strip().split("\n")
cells = [[cell.strip() for cell in line.strip().replace("\\|", "\0").strip("|").split("|")] for line in lines]
assert cells[0] == ["name", "n"], cells
assert cells[1][1].endswith(":") and not cells[1][1].startswith(":") and set(cells[1][1]) <= {"-", ":"}, cells
assert cells[2] == ["a\0b", "5"] and cells[4] == ["x", ""], cells
assert len({len(line) for line in lines}) == 1, "columns are not padded"
assert lines[2].rstrip().rstrip("|").endswith(" 5 ") or lines[2].rstrip("|").rstrip().endswith(" 5"), lines[2]
