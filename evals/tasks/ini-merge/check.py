import pathlib
import subprocess

pathlib.Path("b.ini").write_text("[Web]\nPort = 80\nHost = a\n[db]\nurl = X\n")
pathlib.Path("o.ini").write_text("[db]\nurl = -\nPool = 5\n[Web]\nPort = 81\n[new]\nk = V\n")
out = subprocess.run(["python3", "merge.py", "b.ini", "o.ini"], capture_output=True, text=True)
lines = [line.replace(" ", "") for line in out.stdout.splitlines() if line.strip()]
assert lines == ["[Web]", "Port=81", "Host=a", "[db]", "Pool=5", "[new]", "k=V"], out
