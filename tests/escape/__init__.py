"""The red team of the jail: hostile commands, and a look at the host for what must not have happened.

`attempts/` holds them as data, one class a file. `python -m tests.escape` (`make escape`) prints them as a table, and
`test_escapes.py` makes a test of each, as root and as an ordinary user. An attempt that could not be tried has failed.
"""
