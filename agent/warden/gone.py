"""Looking at processes that end meanwhile, and what is none of that."""

from __future__ import annotations

import errno

SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What says that the one who looks has too little left. Taken for "gone" it would blind him to all that there is."""


class MayBeGone:
    """Passes over an ``OSError`` that says that a process, or what it held, is gone or closed to us."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        return isinstance(error, OSError) and error.errno not in SHORT
