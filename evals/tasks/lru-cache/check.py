def check(project):
    assert project.answers("""
from lru import LRU

cache = LRU(2)
cache.put("a", 1)
cache.put("b", 2)
answers.append(cache.get("a"))
cache.put("c", 3)
answers += ["b" in cache, "a" in cache, len(cache), cache.get("b", 9)]
cache.put("a", 5)
cache.put("d", 4)
answers += [cache.get("a"), "c" in cache, tried(LRU, 0)]
""") == [1, False, True, 2, 9, 5, False, "ValueError"]
    done = project.python("-m", "unittest", "test_lru")
    assert done.code == 0 and "Ran " in done.err and "Ran 0 tests" not in done.err, done
