import pathlib
import subprocess

pathlib.Path("t.csv").write_text("date,region,amount\n2026-01-01,north,10.10\n2026-01-02,south,0.20\n2026-01-03,north,-0.05\n")
out = subprocess.run(["python3", "report.py", "t.csv"], capture_output=True, text=True)
assert out.stdout == "north\t10.05\nsouth\t0.20\ntotal\t10.25\n", out
pathlib.Path("t.csv").write_text("date,region,amount\n" + "2026-01-01,x,0.1\n" * 1000)
out = subprocess.run(["python3", "report.py", "t.csv"], capture_output=True, text=True)
assert out.stdout == "x\t100.00\ntotal\t100.00\n", out
