def check(project):
    assert not project.has("count.txt"), "a count was made up"
