"""The warden: one process beside each jailed command. It makes the jail, watches its budgets, and ends it as a whole.

It runs as ``python -I -S`` on the standard library alone and imports little (not even ``typing``, so its constants are
not ``Final``), because every command waits for its start.
``main.py`` says what it is given and what it answers.
"""
