"""{{title}}: python3 tasks.py add "buy milk" | done 1 | clear | (nothing: show the list)"""

import argparse
import json
import pathlib

FILE = pathlib.Path("tasks.json")


def add(tasks, text):
    return [*tasks, {"text": text.strip(), "done": False}]


def finish(tasks, number):
    """Mark task ``number``, counted from 1, as done."""
    if not 1 <= number <= len(tasks):
        raise ValueError(f"there is no task {number}, the list has {len(tasks)}")
    return [{**task, "done": task["done"] or at == number} for at, task in enumerate(tasks, start=1)]


def clear(tasks):
    return [task for task in tasks if not task["done"]]


def show(tasks):
    lines = [f"{at:>3} [{'x' if task['done'] else ' '}] {task['text']}" for at, task in enumerate(tasks, start=1)]
    return "\n".join(lines) or "Nothing to do."


def main():
    parser = argparse.ArgumentParser(description="A list of tasks, kept in tasks.json.")
    parser.add_argument("action", nargs="?", choices=("show", "add", "done", "clear"), default="show")
    parser.add_argument("what", nargs="?", default="")
    args = parser.parse_args()
    tasks = json.loads(FILE.read_text()) if FILE.exists() else []
    try:
        if args.action == "add":
            tasks = add(tasks, args.what)
        elif args.action == "done":
            tasks = finish(tasks, int(args.what))
        elif args.action == "clear":
            tasks = clear(tasks)
    except ValueError as error:
        parser.error(str(error))
    FILE.write_text(json.dumps(tasks, indent=2))
    print(show(tasks))


if __name__ == "__main__":
    main()
