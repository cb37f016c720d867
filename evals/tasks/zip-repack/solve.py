"""Makes the archive that the task asks for."""

import subprocess

subprocess.run(["python3", "repack.py"], check=True)
