HEAD = "date,region,amount\n"


def check(project):
    project.write("t.csv", HEAD + "2026-01-01,north,10.10\n2026-01-02,south,0.20\n2026-01-03,north,-0.05\n")
    assert project.python("report.py", "t.csv").out == "north\t10.05\nsouth\t0.20\ntotal\t10.25\n"
    project.write("t.csv", HEAD + "2026-01-01,x,0.1\n" * 1000)
    assert project.python("report.py", "t.csv").out == "x\t100.00\ntotal\t100.00\n"
