import time


class Cache:
    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._items = {}

    def put(self, key, value, seconds):
        self._items[key] = (value, self._clock() + seconds)

    def get(self, key):
        value, end = self._items.get(key, (None, float("-inf")))
        return value if end > self._clock() else None

    def size(self):
        return sum(end > self._clock() for _, end in self._items.values())
