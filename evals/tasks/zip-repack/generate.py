"""Writes the task's files: `python3 generate.py FOLDER`. The same ones each time."""

import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
import zipfile

with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
    for name, data in (("a/One.JPG", b"one" * 500), ("a/b/two.png", b"two" * 300), ("c/copy.jpg", b"one" * 500), ("c/empty.gif", b""),
                       ("d/three.Gif", bytes(range(256))), ("d/four", b"no extension"), ("e/five.jpeg", b"five")):
        archive.writestr(zipfile.ZipInfo(name), data)
