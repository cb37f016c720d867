CODE = """
from tools import mean, slug, spread, words
from tools.numbers import mean as m, spread as p
from tools.text import slug as s, words as w

answers += [slug("Two Words"), s("A b"), words("a b c"), w("a"), mean([2, 4]), m([1, 3]), spread([1, 9]), p([4, 2])]
"""


def check(project):
    assert not project.has("tools.py") and project.is_unchanged("test_tools.py")
    done = project.python("-m", "unittest", "test_tools")
    assert done.code == 0 and "Ran 2 tests" in done.err, done
    assert project.answers(CODE) == ["two-words", "a-b", 3, 1, 3, 2, 8, 2]
