def check(project):
    project.write("a.txt", "one two\nthree\n")
    project.write("b.txt", "zwölf\n")
    run = lambda *names, stdin="": project.python("wc.py", *names, stdin=stdin)
    assert run("a.txt").out == "2 3 14 a.txt\n", run("a.txt")
    assert run("a.txt", "b.txt").out == "2 3 14 a.txt\n1 1 7 b.txt\n3 4 21 total\n"
    missing = run("a.txt", "nowhere.txt")
    assert missing.code == 1 and "a.txt" in missing.out and "nowhere.txt" in missing.err, missing
    assert run(stdin="x y").out.split()[:3] == ["0", "2", "3"]
