import pathlib
import subprocess

assert not pathlib.Path("tools.py").exists()
done = subprocess.run(["python3", "-m", "unittest", "test_tools"], capture_output=True, text=True)
assert done.returncode == 0 and "Ran 2 tests" in done.stderr, done.stderr
code = "from tools import slug, mean, words, spread; from tools.text import slug as s, words; from tools.numbers import mean as m, spread; print(s('A b'), m([1, 3]))"
out = subprocess.run(["python3", "-c", code], capture_output=True, text=True)
assert out.stdout == "a-b 2.0\n", out
