"""An Inngest server for tests: a small executor of our own, or the real one.

Both drive the *served endpoint over HTTP* and offer `InngestServer`, so that the same scenario runs against either.
The executor follows the published SDK specification (docs/SDK_SPEC.md of github.com/inngest/inngest) and, where that
is silent, the server's own code; on top it records every call and injects faults.
"""

from tests.support.inngest.api import InngestServer
from tests.support.inngest.executor import InngestExecutor
from tests.support.inngest.faults import Faults
from tests.support.inngest.model import Call, Run
from tests.support.inngest.real import RealInngest

__all__ = ["Call", "Faults", "InngestExecutor", "InngestServer", "RealInngest", "Run"]
