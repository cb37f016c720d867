import time


class Cache:
    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._items = {}

    def put(self, key, value, seconds):
        self._items[key] = (value, self._clock() + seconds)

    def get(self, key):
        value, end = self._items.get(key, (None, 0))
        return value if end >= self._clock() else None

    def size(self):
        return len(self._items)
