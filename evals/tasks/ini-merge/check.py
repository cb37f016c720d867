def check(project):
    project.write("b.ini", "[Web]\nPort = 80\nHost = a\n[db]\nurl = X\n")
    project.write("o.ini", "[db]\nurl = -\nPool = 5\n[Web]\nPort = 81\n[new]\nk = V\n")
    done = project.python("merge.py", "b.ini", "o.ini")
    lines = [line.replace(" ", "") for line in done.out.splitlines() if line.strip()]
    assert lines == ["[Web]", "Port=81", "Host=a", "[db]", "Pool=5", "[new]", "k=V"], done
