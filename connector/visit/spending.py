"""What a visit costs at the vendors, and whether more may be spent. In: what was used. Out: rows, or CapReached.

A budget only stops what would be new: nothing that was recorded is lost, and what the vendor has finished is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from connector.assets.prices import MILLION, Priced
from connector.errors import CapReached
from connector.records import Transcript
from connector.store.costs import Budget, Cost
from connector.visit.parts import Parts

_LONGEST_NAME = 80
_MORE_THAN_A_MONTH = timedelta(days=32)
_SOON_S = 60.0
_ASIDE = (
    "This month's budget for transcription and drafting is used up or set aside for recordings under way. Nothing is "
    "lost: it goes on by itself once one of those ends and leaves money over, the budget is raised, or the month ends."
)


async def record_speech_cost(parts: Parts, visit_id: str, transcript: Transcript, *, job_id: str) -> None:
    """Keeps what one finished job cost: its sound by the model that heard it, and what was asked for beside it.

    May run twice. The vendor counts the seconds of the file, which it tells; where it does not, the transcript's own.
    """
    seconds = -(-(transcript.reported_ms or transcript.duration_ms) // 1000)
    policy, prices = parts.policy, parts.rules.prices
    named = transcript.stamp.model or "unnamed"
    uses = [("sound", named, seconds, prices.of_sound(named, seconds))]
    extras = [transcript.domain_used or ""]
    extras += ["entity_detection"] if policy.speech_entities else []
    extras += ["redact_pii"] if policy.redaction_policies else []
    uses += [("extra", name, seconds, prices.of_extra(name, seconds)) for name in extras if name]
    await _keep(parts, visit_id, f"job:{job_id}", uses)


async def record_draft_cost(parts: Parts, visit_id: str, *, call: str, model: str, tokens: tuple[int, int]) -> None:
    """Keeps what one completion cost, usable or not; `call` names it, `tokens` are those read and written."""
    prices = parts.rules.prices
    ways = (("tokens-in", "input", tokens[0]), ("tokens-out", "output", tokens[1]))
    uses = [(kind, model, count, prices.of_tokens(model, way, count)) for kind, way, count in ways if count]
    await _keep(parts, visit_id, f"call:{call}", uses)


async def require_budget(parts: Parts, visit_id: str) -> None:
    """Lets a new call pass while this month's budget of the visit's clinic lasts; raises CapReached at its end.

    The registration's own cap comes before the setting. Months are those of UTC.
    """
    budget = await _find_budget(parts, visit_id)
    if budget is None:
        return
    if await parts.costs.spent(budget.tenant, since=budget.since, until=budget.until) >= budget.cap:
        raise _used_up(parts, budget)


async def set_budget_aside(parts: Parts, visit_id: str, *, sound_ms: int) -> None:
    """The same for a recording about to be sent, of so much sound: what its job will come to counts as spent from now
    on, so that many visits at once do not all find the same money. Asked before the upload and again before the job:
    it is set aside once."""
    budget = await _find_budget(parts, visit_id)
    if budget is None:
        return
    policy, prices, seconds = parts.policy, parts.rules.prices, -(-sound_ms // 1000)
    extras = [policy.speech_domain or ""]
    extras += ["entity_detection"] if policy.speech_entities else []
    extras += ["redact_pii"] if policy.redaction_policies else []
    priced = [prices.of_extra(name, seconds).micros for name in extras]
    micros = sum(one or 0 for one in (prices.of_sound(policy.speech_models[0], seconds).micros, *priced))
    spent = await parts.costs.set_aside(visit_id, micros, budget=budget)
    if spent is not None:
        raise _used_up(parts, budget) if spent >= budget.cap else CapReached(_ASIDE, retry_after=_SOON_S)


async def give_budget_back(parts: Parts, visit_id: str) -> None:
    """Nothing was sent: what was set aside for it is there for others again."""
    await parts.costs.give_back(visit_id)


async def _find_budget(parts: Parts, visit_id: str) -> Budget | None:
    tenant = (await parts.visits.row(visit_id)).tenant
    registration = parts.registrations.by_tenant(tenant)
    own = registration.monthly_cap if registration else None
    cap = parts.policy.monthly_cap if own is None else own
    return None if cap is None else Budget(tenant, round(cap * MILLION), *month_of(parts.clock()))


def _used_up(parts: Parts, budget: Budget) -> CapReached:
    return CapReached(
        "This month's budget for transcription and drafting is used up. Nothing is lost: it goes on once the "
        "budget is raised, or next month.",
        retry_after=(budget.until - parts.clock()).total_seconds(),
    )


def month_of(moment: datetime) -> tuple[datetime, datetime]:
    """The first moment of a moment's month, and that of the next one."""
    since = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return since, (since + _MORE_THAN_A_MONTH).replace(day=1)


async def _keep(parts: Parts, visit_id: str, name: str, uses: Iterable[tuple[str, str, int, Priced]]) -> None:
    tenant, now = (await parts.visits.row(visit_id)).tenant, parts.clock()
    await parts.costs.add(
        [
            Cost(
                cost_id=hashlib.sha256(f"{visit_id}:{name}:{kind}:{model}".encode()).hexdigest()[:40],
                visit_id=visit_id,
                tenant=tenant,
                kind=kind,
                model=model[:_LONGEST_NAME],
                units=units,
                micros=priced.micros,
                priced_on=priced.as_of,
                at=now,
            )
            for kind, model, units, priced in uses
        ]
    )
