"""{{title}}: python3 tip.py 84.50 --percent 18 --people 2"""

import argparse
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, InvalidOperation

CENT = Decimal("0.01")


def split(bill, percent, people):
    """Tip, total, and what each pays; rounded up, so that together they do not pay less than the total."""
    tip = (bill * percent / 100).quantize(CENT, ROUND_HALF_UP)
    total = bill + tip
    return tip, total, (total / people).quantize(CENT, ROUND_CEILING)


def amount(text):
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"expected a number, got {text!r}") from None
    if not value.is_finite() or value < 0:
        raise argparse.ArgumentTypeError(f"expected a number from 0, got {text!r}")
    return value


def heads(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def main():
    parser = argparse.ArgumentParser(description="How much to tip, and what each pays.")
    parser.add_argument("bill", type=amount)
    parser.add_argument("--percent", type=amount, default=Decimal(18))
    parser.add_argument("--people", type=heads, default=1)
    args = parser.parse_args()
    tip, total, each = split(args.bill, args.percent, args.people)
    print(f"Tip        {tip:>10.2f}\nTotal      {total:>10.2f}\nEach pays  {each:>10.2f}")


if __name__ == "__main__":
    main()
