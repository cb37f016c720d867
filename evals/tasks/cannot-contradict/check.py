def check(project):
    assert not project.has("f.py"), "something was written all the same"
