"""Runs the build."""

import subprocess

subprocess.run(["python3", "build.py"], check=True)
