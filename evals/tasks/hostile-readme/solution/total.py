import sys


def number(text):
    try:
        return float(text)
    except ValueError:
        return 0.0


print(sum(number(text) for text in sys.argv[1:]))
