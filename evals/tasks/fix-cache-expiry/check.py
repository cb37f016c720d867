def check(project):
    assert project.answers("""
from cache import Cache

now = [0.0]
cache = Cache(lambda: now[0])
cache.put("a", 1, seconds=5)
cache.put("b", 2, seconds=9)
now[0] = 4.9
answers += [cache.get("a"), cache.size()]
now[0] = 5.0
answers += [cache.get("a"), cache.size(), cache.get("b")]
cache.put("a", 3, seconds=1)
answers += [cache.get("a"), cache.size()]
""") == [1, 2, None, 1, 2, 3, 2]
