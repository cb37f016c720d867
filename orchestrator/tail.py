"""`python -m orchestrator.tail [RUN_ID]`: what `python -m orchestrator tail` does, under its first name."""

import sys

from orchestrator.cli import main

if __name__ == "__main__":
    sys.exit(main(["tail", *sys.argv[1:]]))
