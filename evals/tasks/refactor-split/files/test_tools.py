import unittest

from tools import mean, slug, spread, words


class TestTools(unittest.TestCase):
    def test_text(self):
        self.assertEqual((slug("Two Words"), words("a b c")), ("two-words", 3))

    def test_numbers(self):
        self.assertEqual((mean([2, 4]), spread([1, 9])), (3, 8))
