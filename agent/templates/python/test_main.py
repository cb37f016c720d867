"""Run with: python3 -m unittest"""

import unittest

from main import main


class TestMain(unittest.TestCase):
    def test_it_ends_well(self) -> None:
        self.assertEqual(main([]), 0)


if __name__ == "__main__":
    unittest.main()
