"""Some numbers written, every number there and back, and what must be refused."""

NUMBERS = {1: "I", 4: "IV", 9: "IX", 14: "XIV", 40: "XL", 90: "XC", 400: "CD", 1994: "MCMXCIV", 3999: "MMMCMXCIX"}
WRONG = ["", "IIII", "VX", "IC", "ABC", "MMMM", "i"]


def check(project):
    written, back, texts, numbers = project.answers(f"""
from roman import from_roman, to_roman

answers.append([to_roman(number) for number in {list(NUMBERS)}])
answers.append([from_roman(to_roman(number)) for number in range(1, 4000)])
answers.append([tried(from_roman, wrong) for wrong in {WRONG}])
answers.append([tried(to_roman, wrong) for wrong in (0, 4000, -1)])
""")
    assert written == list(NUMBERS.values()) and back == list(range(1, 4000))
    assert texts == ["ValueError"] * len(WRONG) and numbers == ["ValueError"] * 3, (texts, numbers)
