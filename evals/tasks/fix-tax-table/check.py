import ast
import hashlib
import pathlib
import subprocess

done = subprocess.run(["python3", "-m", "unittest", "test_rates"], capture_output=True, text=True)
assert done.returncode == 0, done.stderr
source = pathlib.Path("rates.py").read_text()
names = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
assert len(names) == 150 and len(source.splitlines()) > 600
import rates

for number in range(150):
    for net in (0, 10, 999):
        assert getattr(rates, f"region_{number:03}")(net) == round(net * (100 + number % 27) / 100, 2), number
