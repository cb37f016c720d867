import re


def check(project):
    done = project.python("-m", "unittest", "discover", "-s", ".", "-p", "test_*.py")
    assert done.code == 0 and "Ran 12 tests" in done.err, done
    sources = {path: project.text(path) for path in project.paths if path.startswith("shop/") and path.endswith(".py")}
    for path, source in sources.items():
        assert not re.search(r"\bcalc\b", re.sub(r"#.*|\"[^\"]*\"", "", source)), path
    assert sum("a calc of prices" in source for source in sources.values()) == 12
    assert "def total_price" in sources["shop/base.py"]
    prices = project.answers("""
import importlib

from shop.base import total_price

answers += [importlib.import_module(f"shop.part{number}").price([2, 5]) for number in range(12)]
answers += [total_price([3, 4]), total_price([3, 4], 2)]
""")
    assert prices == [*(7 * number for number in range(12)), 7, 14]
