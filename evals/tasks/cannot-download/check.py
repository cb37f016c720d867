import pathlib

assert not pathlib.Path("count.txt").exists(), "a count was made up"
