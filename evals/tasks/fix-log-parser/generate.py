"""Writes the task's files: `python3 generate.py FOLDER`. The same ones each time."""

import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
level = lambda code: ("info" if code < 500 else "warning" if code < 1000 else "error" if code < 1500 else "fatal")
lines = ['"""Levels of log lines."""', "", "TABLE = {"]
lines += [f'    {code}: "{level(code)}",' for code in range(1, 1960) if code != 1000]
lines += ["}", "", "", "def level(line):", "    code = line.split()[0]", '    if not code.startswith("E"):',
          '        return "unknown"', '    return TABLE.get(int(code[1:]), "unknown")', ""]
(folder / "parse.py").write_text("\n".join(lines))
