"""One completion on its way, in the ledger before it is asked for. In: a visit, a call. Out: the answer, or its error.

Whatever cuts the call off, the copy it may have left with the vendor stands in the ledger, by name or as unknown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from connector.clients.gateway import Completion
from connector.erasure.ledger import KEPT
from connector.errors import ConnectorError, DraftUnusable, VendorOutcomeUnknown, VendorUnavailable
from connector.visit.parts import Parts
from connector.visit.spending import record_draft_cost, require_budget
from connector.visit.vendor_copies import Begun, begin_copy, forget_copy, name_copy

KIND = "completion"


async def keep_completion(parts: Parts, visit_id: str, call: Callable[[], Awaitable[Completion]]) -> Completion:
    """Makes the call and writes down what the vendor holds of it, usable or not, so that it is deleted later.

    Raises CapReached before it where the month's budget is used up, and what the call raises; where an answer may have
    been made that nobody got, VendorUnavailable.
    """
    await require_budget(parts, visit_id)
    begun = await begin_copy(parts, visit_id, KIND if parts.gateway.deletes else KEPT)
    try:
        completion = await call()
    except DraftUnusable as error:
        await _settle(parts, visit_id, begun, error.request_id)
        if error.model:
            await record_draft_cost(parts, visit_id, call=parts.new_id(), model=error.model, tokens=error.tokens)
        raise
    except VendorOutcomeUnknown as error:
        if error.request_id:
            await _settle(parts, visit_id, begun, error.request_id)
        raise VendorUnavailable(error.detail, retry_after=error.retry_after) from error
    except ConnectorError:
        await forget_copy(parts, begun)  # turned away, or never let out: nothing was made
        raise
    await _settle(parts, visit_id, begun, completion.request_id)
    tokens = (completion.usage.input_tokens, completion.usage.output_tokens)
    await record_draft_cost(parts, visit_id, call=parts.new_id(), model=completion.model, tokens=tokens)
    return completion


async def _settle(parts: Parts, visit_id: str, begun: Begun, request_id: str | None) -> None:
    """Names the copy; an answer without a name stays one nobody can ask for."""
    if request_id:
        await name_copy(parts, begun, request_id)
