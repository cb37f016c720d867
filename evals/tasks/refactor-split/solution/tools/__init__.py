from tools.numbers import mean, spread
from tools.text import slug, words

__all__ = ["mean", "slug", "spread", "words"]
