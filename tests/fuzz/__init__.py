"""Requests that nobody should send, by the thousand: `python -m tests.fuzz`, and 2,000 of them in `make test`."""
