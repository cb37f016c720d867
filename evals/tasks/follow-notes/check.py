def check(project):
    run = lambda *arguments: project.python("notes.py", *arguments)
    for text in ("milk", "two eggs", "bread"):
        assert run("add", *text.split()).code == 0
    assert run("list").out == "1 milk\n2 two eggs\n3 bread\n"
    assert run("remove", "2").code == 0
    assert run("list").out == "1 milk\n2 bread\n"
    gone = run("remove", "9")
    assert gone.code == 1 and gone.err, gone
    assert run("list").out == "1 milk\n2 bread\n"
