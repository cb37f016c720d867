"""Writes the task's files: `python3 generate.py FOLDER`. The same ones each time."""

import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
parts = ['"""Gross prices by region."""\n']
for number in range(150):
    rate = 100 + number % 27
    factor = "net * 100" if number == 97 else f"net * {rate}"
    parts.append(f'\n\ndef region_{number:03}(net):\n    """Region {number}: {number % 27} percent."""\n    return round({factor} / 100, 2)\n')
(folder / "rates.py").write_text("".join(parts))
(folder / "test_rates.py").write_text("""import unittest

import rates


class TestRates(unittest.TestCase):
    def test_all(self):
        for number in range(150):
            with self.subTest(region=number):
                self.assertEqual(getattr(rates, f"region_{number:03}")(200), 2 * (100 + number % 27))
""")
