"""Every number there and back, and what must be refused."""
from roman import from_roman, to_roman

assert [to_roman(n) for n in (1, 4, 9, 14, 40, 90, 400, 1994, 3999)] == [
    "I", "IV", "IX", "XIV", "XL", "XC", "CD", "MCMXCIV", "MMMCMXCIX"]
assert all(from_roman(to_roman(n)) == n for n in range(1, 4000))
for wrong in ("", "IIII", "VX", "IC", "ABC", "MMMM", "i"):
    try:
        from_roman(wrong)
    except ValueError:
        continue
    raise AssertionError(f"{wrong!r} was taken")
for wrong in (0, 4000, -1):
    try:
        to_roman(wrong)
    except ValueError:
        continue
    raise AssertionError(f"{wrong!r} was taken")
