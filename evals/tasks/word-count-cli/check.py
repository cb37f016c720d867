import pathlib
import subprocess

pathlib.Path("a.txt").write_text("one two\nthree\n")
pathlib.Path("b.txt").write_bytes("zwölf\n".encode())
run = lambda *args, stdin=b"": subprocess.run(["python3", "wc.py", *args], input=stdin, capture_output=True)
assert run("a.txt").stdout == b"2 3 14 a.txt\n", run("a.txt")
both = run("a.txt", "b.txt")
assert both.stdout == b"2 3 14 a.txt\n1 1 7 b.txt\n3 4 21 total\n", both
missing = run("a.txt", "nowhere.txt")
assert missing.returncode == 1 and b"a.txt" in missing.stdout and b"nowhere.txt" in missing.stderr, missing
assert run(stdin=b"x y").stdout.split()[:3] == [b"0", b"2", b"3"]
