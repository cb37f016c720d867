import pathlib
import subprocess

from lru import LRU

cache = LRU(2)
cache.put("a", 1)
cache.put("b", 2)
assert cache.get("a") == 1
cache.put("c", 3)
assert "b" not in cache and "a" in cache and len(cache) == 2 and cache.get("b", 9) == 9
cache.put("a", 5)
cache.put("d", 4)
assert cache.get("a") == 5 and "c" not in cache
try:
    LRU(0)
except ValueError:
    pass
else:
    raise AssertionError
done = subprocess.run(["python3", "-m", "unittest", "test_lru"], capture_output=True, text=True)
assert done.returncode == 0 and "Ran 0 tests" not in done.stderr, done.stderr
