"""Writes the task's files: `python3 generate.py FOLDER`. The same ones each time."""

import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
broken = {13: "Section-13", 58: "section_58", 101: "sektion-101"}
lines = ["<!doctype html>", "<title>Handbook</title>", "<ul>"]
lines += [f'<li><a href="#{broken.get(number, f"section-{number}")}">Chapter {number}</a></li>' for number in range(120)]
lines.append("</ul>")
for number in range(120):
    lines += [f'<h2 id="section-{number}">Chapter {number}</h2>', f"<p>What chapter {number} says.</p>", "<hr>"]
(folder / "handbook.html").write_text("\n".join(lines) + "\n")
