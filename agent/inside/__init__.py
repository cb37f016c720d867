"""The helper: a small program that reads, writes and compares a workspace from *inside* the sandbox.

The service never walks or opens what a command has left: 300,000 entries, folders 1,500 deep, named pipes and sparse
files are met here, in a process that can be killed, with the limits and the uid of a command. Standard library only:
``agent.sandbox.helper`` hands these files to a bare ``python3 -I -S`` as text. Imports are few, because each start
pays for them (so ``typing``, ``dataclasses``, ``pathlib`` and ``shutil`` are not among them).
"""
