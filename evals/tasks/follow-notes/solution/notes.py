import json
import pathlib
import sys

PATH = pathlib.Path("notes.json")


def load():
    return json.loads(PATH.read_text()) if PATH.exists() else []


def main(args):
    notes = load()
    if args[:1] == ["add"]:
        notes.append(" ".join(args[1:]))
        PATH.write_text(json.dumps(notes))
    elif args == ["list"]:
        for number, note in enumerate(notes, start=1):
            print(number, note)
    elif args[:1] == ["remove"] and len(args) == 2:
        if not (args[1].isdecimal() and 1 <= int(args[1]) <= len(notes)):
            sys.exit(f"there is no note {args[1]}")
        del notes[int(args[1]) - 1]
        PATH.write_text(json.dumps(notes))
    else:
        sys.exit("usage: notes.py add TEXT | list | remove NUMBER")


main(sys.argv[1:])
