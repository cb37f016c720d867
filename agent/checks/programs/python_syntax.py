"""Python files that do not parse."""

import ast
import sys
import warnings

warnings.simplefilter("ignore")  # a doubtful escape is no error
for path in sys.argv[1:]:
    try:
        with open(path, "rb") as file:
            ast.parse(file.read())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", 0) or 0
        print(f"! {path[2:]}:{line}: {getattr(error, 'msg', error)}")
    except OSError as error:
        print(f"? {path[2:]}: {error.strerror}")
