from cache import Cache

now = [0.0]
cache = Cache(lambda: now[0])
cache.put("a", 1, seconds=5)
cache.put("b", 2, seconds=9)
now[0] = 4.9
assert cache.get("a") == 1 and cache.size() == 2
now[0] = 5.0
assert cache.get("a") is None and cache.size() == 1 and cache.get("b") == 2
cache.put("a", 3, seconds=1)
assert cache.get("a") == 3 and cache.size() == 2
