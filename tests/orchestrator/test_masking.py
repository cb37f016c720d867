"""What goes to Inngest, its memo and its dashboard, carries no secret."""

from typing import Any, cast

import inngest

from orchestrator.engines.inngest.masking import masking
from orchestrator.redact import MASK, Redactor

SECRET = "sk-0123456789"
middleware = masking(Redactor(frozenset({SECRET})))(cast(Any, None), None)


def test_results_of_steps_and_functions() -> None:
    result = inngest.TransformOutputResult(error=None, output={"result": [f"it is {SECRET}"]}, step=None)
    middleware.transform_output(result)
    assert result.output == {"result": [f"it is {MASK}"]}


def test_errors_with_all_their_causes() -> None:
    """Inngest gets the traceback, too."""
    try:
        try:
            raise ValueError(f"bad {SECRET}")
        except ValueError as error:
            raise inngest.NonRetriableError(f"no {SECRET}") from error
    except inngest.NonRetriableError as error:
        middleware.transform_output(inngest.TransformOutputResult(error=error, output=None, step=None))
        assert error.message == f"no {MASK}"
        assert f"bad {MASK}" in str(error.stack) and f"bad {SECRET}" not in str(error.stack)


def test_events() -> None:
    event = inngest.Event(name="code-agent/run.requested", data={"value": SECRET})
    middleware.before_send_events([event])
    assert event.data == {"value": MASK}
