import sqlite3
import sys

QUERY = """
select c.name, sum(o.amount)
from customer c
join address a on a.customer_id = c.id
join orders o on o.customer_id = c.id
group by c.name order by c.name
"""

db = sqlite3.connect(sys.argv[1])
for name, total in db.execute(QUERY):
    print(f"{name}\t{total}")
