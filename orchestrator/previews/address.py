"""Where a browser opens a run's pages: an address with a token in its path, where relative links keep it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from orchestrator.patience import patiently
from orchestrator.previews.pages import find_pages
from orchestrator.runlog import RunRecord
from orchestrator.stored_files import StoredFiles
from orchestrator.web.grants import Grant, Tokens


@dataclass(frozen=True)
class Previews:
    """``origin``: where browsers reach the service, or ``""``: an address then begins with its path.

    ``seconds``: how long after the run's beginning an address is good, that is as long as its files may be stored.
    """

    tokens: Tokens
    files: StoredFiles
    origin: str
    seconds: float

    def url(self, record: RunRecord) -> str | None:
        """Of the pages that the run has made; None where there are none. The same again; raises redis' errors."""
        try:
            pages = find_pages(patiently(self.files.of_run, record.run_id).plain)
        except KeyError:  # what it began with is not stored any more
            return None
        if pages is None:
            return None
        grant = Grant(record.owner.caller, ("preview",), int(record.began / 1000 + self.seconds), run_id=record.run_id)
        token = patiently(self.tokens.sign, grant)
        return f"{self.origin}/agent/run/{record.run_id}/preview/{token}/{quote(pages.start)}"
