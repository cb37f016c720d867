import ast
import hashlib
import pathlib
import subprocess

assert "class TestShapes" in pathlib.Path("test_shapes.py").read_text()
done = subprocess.run(["python3", "-m", "unittest", "test_shapes"], capture_output=True, text=True)
assert done.returncode == 0 and "Ran 3 tests" in done.stderr, done.stderr
tree = ast.parse(pathlib.Path("shapes.py").read_text())
calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "round"]
raises = [n for n in ast.walk(tree) if isinstance(n, ast.Raise)]
assert len(calls) == 1 and len(raises) == 1, (len(calls), len(raises))
