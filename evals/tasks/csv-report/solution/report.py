import csv
import sys
from collections import defaultdict
from decimal import Decimal

sums = defaultdict(Decimal)
with open(sys.argv[1], newline="") as file:
    for row in csv.DictReader(file):
        sums[row["region"]] += Decimal(row["amount"])
for region in sorted(sums):
    print(f"{region}\t{sums[region]:.2f}")
print(f"total\t{sum(sums.values(), Decimal()):.2f}")
