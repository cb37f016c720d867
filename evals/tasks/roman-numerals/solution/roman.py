STEPS = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
         (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def to_roman(number: int) -> str:
    if not 1 <= number <= 3999:
        raise ValueError(f"expected 1 to 3999, got {number!r}")
    text = ""
    for value, letters in STEPS:
        while number >= value:
            text += letters
            number -= value
    return text


def from_roman(text: str) -> int:
    rest, number = text, 0
    for value, letters in STEPS:
        while rest.startswith(letters):
            number += value
            rest = rest[len(letters):]
    if rest or not text or number > 3999 or to_roman(number) != text:
        raise ValueError(f"no Roman numeral: {text!r}")
    return number
