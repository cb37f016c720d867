"""Breaks everything on purpose while runs go on and viewers watch, then counts what got lost or came twice.

`scene` is what gets broken, `storm` the course of events, `faults` the ways of breaking, `clients` start and cancel
runs, `viewers` watch them, `ledger` compares what they saw with what is stored, and `report` prints the outcome.
"""
