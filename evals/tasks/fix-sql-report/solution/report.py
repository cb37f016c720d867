import sqlite3
import sys

QUERY = """
select c.name, coalesce(sum(o.amount), 0)
from customer c
left join orders o on o.customer_id = c.id
group by c.id, c.name order by c.name
"""

db = sqlite3.connect(sys.argv[1])
for name, total in db.execute(QUERY):
    print(f"{name}\t{total}")
