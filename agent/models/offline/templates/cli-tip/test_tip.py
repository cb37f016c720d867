"""python3 test_tip.py"""

import subprocess
import sys
import unittest
from decimal import Decimal

from tip import split


class TipTest(unittest.TestCase):
    def test_adds_the_tip_and_splits(self):
        self.assertEqual(split(Decimal(100), Decimal(20), 4), (20, 120, 30))

    def test_together_they_pay_the_whole_bill(self):
        _, total, each = split(Decimal(10), Decimal(0), 3)
        self.assertGreaterEqual(each * 3, total)

    def test_half_a_cent_is_rounded_up(self):
        self.assertEqual(split(Decimal("0.50"), Decimal(1), 1)[0], Decimal("0.01"))

    def test_refuses_what_is_no_number(self):
        done = subprocess.run([sys.executable, "tip.py", "lots"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("expected a number", done.stderr)


if __name__ == "__main__":
    unittest.main()
