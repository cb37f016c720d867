import unittest

from lru import LRU


class TestLRU(unittest.TestCase):
    def test_drops_the_least_recently_used(self):
        cache = LRU(1)
        cache.put("a", 1)
        cache.put("b", 2)
        self.assertNotIn("a", cache)
