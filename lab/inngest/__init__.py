"""An Inngest server for tests: a small executor of our own, or the real one.

Both drive the *served endpoint over HTTP* and offer `InngestServer`, so that the same scenario runs against either.
The executor follows the published SDK specification (docs/SDK_SPEC.md of github.com/inngest/inngest) and, where that
is silent, the server's own code; on top it records every call and injects faults.
"""

from lab.inngest.api import InngestServer
from lab.inngest.executor import InngestExecutor
from lab.inngest.faults import Faults
from lab.inngest.model import Call, Run
from lab.inngest.real import RealInngest

__all__ = ["Call", "Faults", "InngestExecutor", "InngestServer", "RealInngest", "Run"]
