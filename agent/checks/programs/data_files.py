"""JSON, TOML and YAML files that are not well-formed."""

import json
import re
import sys

COMMENTED = re.compile(r"(^|/)(tsconfig[^/]*|jsconfig|devcontainer|\.eslintrc|\.swcrc)\.json$|(^|/)\.vscode/")
"""JSON files whose readers take comments."""
unchecked = set()


def check_json(text: str) -> None:
    json.loads(text.removeprefix("\ufeff"))


def check_toml(text: str) -> None:
    import tomllib

    tomllib.loads(text)


def check_yaml(text: str) -> None:
    try:
        import yaml  # type: ignore[import-untyped,unused-ignore]  # of the sandbox, if it has one
    except ImportError:
        unchecked.add("YAML: PyYAML is not installed here, only tabs were looked for")
        for number, line in enumerate(text.split("\n"), start=1):
            if re.match(r" *\t *[\w-]+ *:", line):
                raise ValueError(f"line {number}: YAML takes no tab as an indentation") from None
    else:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass


for path in sys.argv[1:]:
    name, suffix = path[2:], path.rpartition(".")[2]
    if COMMENTED.search(name):
        continue
    check = {"json": check_json, "toml": check_toml}.get(suffix, check_yaml)
    try:
        with open(path, encoding="utf-8") as file:
            check(file.read())
    except ModuleNotFoundError as error:
        unchecked.add(f"{suffix.upper()}: this Python has no {error.name}")
    except OSError as error:
        unchecked.add(f"{name}: {error.strerror}")
    except Exception as error:
        print(f"! {name}: not well-formed {suffix.upper()} ({' '.join(str(error).split())[:200]})")
for line in sorted(unchecked):
    print(f"? {line}")
