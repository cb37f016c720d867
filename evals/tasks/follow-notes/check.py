import subprocess

run = lambda *args: subprocess.run(["python3", "notes.py", *args], capture_output=True, text=True)
for text in ("milk", "two eggs", "bread"):
    assert run("add", *text.split()).returncode == 0
assert run("list").stdout == "1 milk\n2 two eggs\n3 bread\n"
assert run("remove", "2").returncode == 0
assert run("list").stdout == "1 milk\n2 bread\n"
gone = run("remove", "9")
assert gone.returncode == 1 and gone.stderr, gone
assert run("list").stdout == "1 milk\n2 bread\n"
