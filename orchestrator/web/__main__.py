"""`python -m orchestrator.web wsgi:app`: gunicorn, whose arguments it takes.

gunicorn looks at WEB_CONCURRENCY as it is imported, before it reads gunicorn.conf.py with all other settings: what is
no number would end in its traceback. Nothing else may be imported here, as gevent has not patched yet.
"""

import os
import sys
from typing import Final

WORKERS: Final = "WEB_CONCURRENCY"


def main() -> None:
    count = os.environ.pop(WORKERS, "").strip()
    if count:  # empty is unset, as with other settings
        os.environ[WORKERS] = count
        if not (count.isascii() and count.isdecimal()):
            sys.exit(f"runwire cannot start:\n{WORKERS}: expected a whole number, 1 or more")
    from gunicorn.app.wsgiapp import run

    run(prog="gunicorn")


if __name__ == "__main__":
    main()
