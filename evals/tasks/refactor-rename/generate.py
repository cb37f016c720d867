"""Writes the task's files: `python3 generate.py FOLDER`. The same ones each time."""

import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
(folder / "shop").mkdir(exist_ok=True)
(folder / "shop" / "__init__.py").write_text("")
(folder / "shop" / "base.py").write_text("def calc(prices, factor=1):\n    return sum(prices) * factor\n")
for number in range(12):
    (folder / "shop" / f"part{number}.py").write_text(
        f"from shop.base import calc\n\n\ndef price(prices):\n    # a calc of prices\n    return calc(prices, {number})\n")
    (folder / f"test_part{number}.py").write_text(
        f"import unittest\n\nfrom shop.base import calc\nfrom shop.part{number} import price\n\n\n"
        f"class Test(unittest.TestCase):\n    def test_price(self):\n        self.assertEqual(price([1, 2]), calc([3], {number}))\n")
