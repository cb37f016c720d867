import pathlib
import re
import subprocess

done = subprocess.run(["python3", "-m", "unittest", "discover", "-s", ".", "-p", "test_*.py"], capture_output=True, text=True)
assert done.returncode == 0 and "Ran 12 tests" in done.stderr, done.stderr
for path in pathlib.Path("shop").glob("*.py"):
    code = re.sub(r"#.*|\"[^\"]*\"", "", path.read_text())
    assert not re.search(r"\bcalc\b", code), path
assert sum("a calc of prices" in path.read_text() for path in pathlib.Path("shop").glob("*.py")) == 12
assert "def total_price" in pathlib.Path("shop/base.py").read_text()
