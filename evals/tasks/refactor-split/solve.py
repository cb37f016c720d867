"""What the solution takes away."""

import pathlib

pathlib.Path("tools.py").unlink()
