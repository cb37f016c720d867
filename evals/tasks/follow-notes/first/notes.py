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
    else:
        sys.exit("usage: notes.py add TEXT | list")


main(sys.argv[1:])
