"""One file for each kind of case; each yields rows of the table."""
