import unittest


class TestKeep(unittest.TestCase):
    def test_it_is_here(self):
        self.assertTrue(True)
