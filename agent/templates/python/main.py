"""What this program does, in a sentence."""

import argparse


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args(arguments)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
