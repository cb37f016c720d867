import sqlite3

TABLES = """
create table customer(id integer primary key, name text); create table address(customer_id int, city text);
create table orders(customer_id int, amount int);
insert into customer values (1, 'Ann'), (2, 'Bob'), (3, 'Cy');
insert into address values (1, 'A'), (1, 'B'), (2, 'C');
insert into orders values (1, 10), (1, 5), (3, 7);
"""


def check(project):
    db = sqlite3.connect(":memory:")
    db.executescript(TABLES)
    project.write("t.db", db.serialize())
    db.close()
    assert project.python("report.py", "t.db").out == "Ann\t15\nBob\t0\nCy\t7\n"
