"""May real patients' words go to this vendor? In: what the operator recorded. Out: nothing, or a refusal that says why.

Looked at when the service starts and again at each call that carries words. Never takes an agreement for granted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from connector.errors import Misconfigured

Vendor = Literal["speech", "gateway"]
_ADDRESSES: dict[Vendor, str] = {
    "speech": "CONNECTOR_ASSEMBLYAI_BASE_URL",
    "gateway": "CONNECTOR_GATEWAY_BASE_URL",
}
_NAMES: dict[Vendor, str] = {"speech": "the transcription service", "gateway": "the language model service"}


@dataclass(frozen=True, slots=True)
class VendorTerms:
    """One vendor. `real`: neither this machine nor declared a sandbox. `agreement` is its reference, `signed_on` the
    day of it, as the operator recorded them. `sealed`: spoken to by TLS."""

    real: bool = False
    agreement: str | None = None
    signed_on: date | None = None
    sealed: bool = True

    def in_force(self, today: date) -> bool:
        """Whether an agreement is recorded with its day, and that day has come."""
        return bool((self.agreement or "").strip()) and self.signed_on is not None and self.signed_on <= today

    def contract_on(self, today: date) -> Literal["standard", "baa"]:
        """The contract whose terms hold on that day, as mappings/vendor-retention.yaml names it."""
        return "baa" if self.in_force(today) else "standard"


@dataclass(frozen=True, slots=True)
class PhiRules:
    """What the operator recorded. Unless `on`, the service is for synthetic data only, and says so on every page.

    `models` are those that may draft, `covered` those the agreement with the language model service covers.
    """

    on: bool = False
    speech: VendorTerms = VendorTerms()
    gateway: VendorTerms = VendorTerms()
    models: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()


def require_agreements(rules: PhiRules, today: date) -> None:
    """Both vendors, as at a start. Raises Misconfigured naming the setting that is missing."""
    require_agreement(rules, "speech", today)
    require_agreement(rules, "gateway", today)


def require_agreement(rules: PhiRules, vendor: Vendor, today: date) -> None:
    """Lets a call pass where the service is for synthetic data, or its vendor no real one, or the agreement recorded.

    Raises Misconfigured for a real vendor without an agreement in force, and for a model it does not cover.
    """
    terms = rules.speech if vendor == "speech" else rules.gateway
    if not rules.on or not terms.real:
        return
    if not terms.sealed:
        raise Misconfigured(f"In PHI mode {_NAMES[vendor]} is called by https:// only: {_ADDRESSES[vendor]} is not.")
    prefix = f"CONNECTOR_{vendor.upper()}_BAA"
    if not (terms.agreement or "").strip():
        raise Misconfigured(f"In PHI mode {_NAMES[vendor]} is called under an agreement only: set {prefix}.")
    if terms.signed_on is None:
        raise Misconfigured(f"In PHI mode the agreement with {_NAMES[vendor]} needs its date: set {prefix}_DATE.")
    if terms.signed_on > today:
        raise Misconfigured(f"The agreement with {_NAMES[vendor]} is not in force yet: {prefix}_DATE lies ahead.")
    if vendor == "gateway":
        left_out = [model for model in rules.models if model not in rules.covered]
        if left_out:
            raise Misconfigured(
                f"In PHI mode only covered models draft: {', '.join(left_out)} must stand in CONNECTOR_COVERED_MODELS, "
                "or go from the chain of models."
            )
