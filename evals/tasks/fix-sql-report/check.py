import sqlite3
import subprocess

with sqlite3.connect("t.db") as db:
    db.executescript("""
    drop table if exists customer; drop table if exists address; drop table if exists orders;
    create table customer(id integer primary key, name text); create table address(customer_id int, city text);
    create table orders(customer_id int, amount int);
    insert into customer values (1, 'Ann'), (2, 'Bob'), (3, 'Cy');
    insert into address values (1, 'A'), (1, 'B'), (2, 'C');
    insert into orders values (1, 10), (1, 5), (3, 7);
    """)
db.close()
out = subprocess.run(["python3", "report.py", "t.db"], capture_output=True, text=True)
assert out.stdout == "Ann\t15\nBob\t0\nCy\t7\n", out
