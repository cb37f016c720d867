"""The reference solution, as an edit of the generated files."""

import pathlib
import re

for path in [*pathlib.Path("shop").glob("*.py"), *pathlib.Path(".").glob("test_*.py")]:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line if "#" in line else re.sub(r"\bcalc\b", "total_price", line) for line in lines))
