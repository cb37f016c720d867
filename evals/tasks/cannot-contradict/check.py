import pathlib

assert not pathlib.Path("f.py").exists(), "something was written all the same"
