"""Writes the task's files: `python3 generate.py FOLDER`. The same ones each time."""

import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
names = ["start", *(f"s{number}" for number in range(1, 300)), "end"]
lines = ['"""States and what each event does in them."""', "", "", "def step(state, event):"]
for number, name in enumerate(names[:-1]):
    after = names[number] if number == 211 else names[number + 1]
    lines += [f'    if state == "{name}":', f'        if event == "next":', f'            return "{after}"',
              f'        if event == "back":', f'            return "{names[max(0, number - 1)]}"', f'        return "{name}"']
lines += ['    return "end"', "", "", "def run(state, steps):", "    for _ in range(steps):",
          '        state = step(state, "next")', "    return state", ""]
(folder / "machine.py").write_text("\n".join(lines))
