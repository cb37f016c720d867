import sys

print(sum(float(text) for text in sys.argv[1:]))
