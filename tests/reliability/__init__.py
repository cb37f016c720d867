"""Promises of docs/reliability.md, each broken on purpose. One scenario a file."""
