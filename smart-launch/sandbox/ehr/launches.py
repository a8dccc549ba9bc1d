"""In: a patient, an encounter, perhaps a clinician. Out: launch ids an app may spend once within five minutes.
Never gives a launch to another client, and never a second time."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

LAUNCH_SECONDS = 300


class LaunchUnusable(Exception):
    """The launch id is unknown, spent, expired, or was opened for another client. The message says which."""


@dataclass(frozen=True)
class Launch:
    """One launch. `practitioner` is `Practitioner/ID`, or None when the clinician is picked at authorization.

    `patient` is empty for a launch without a patient; `extras` are further members of the token answer. A standalone
    launch is one the app began itself: it exists from the moment the clinician has picked a patient.
    """

    client_id: str
    patient: str
    encounter: str | None
    practitioner: str | None
    need_patient_banner: bool
    launch_id: str = ""
    expires_at: float = 0.0
    is_standalone: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)


def make_launch_id() -> str:
    """192 random bits that tell nothing of the patient."""
    return secrets.token_urlsafe(24)


class LaunchDesk:
    """Open launches in memory. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, Launch] = {}
        self._spent: set[str] = set()

    def open_launch(self, launch: Launch) -> Launch:
        """Open a launch for one client, under a new id and for five minutes."""
        now = self._clock()
        self._open = {key: known for key, known in self._open.items() if known.expires_at + 3600 > now}
        opened = replace(launch, launch_id=make_launch_id(), expires_at=now + LAUNCH_SECONDS)
        self._open[opened.launch_id] = opened
        return opened

    def knows(self, launch_id: str) -> bool:
        """True for a launch id that was issued here, spent or not."""
        return launch_id in self._open or launch_id in self._spent

    def find_launch(self, launch_id: str | None, client_id: str) -> Launch:
        """The launch, still unspent. Raises LaunchUnusable."""
        if not launch_id:
            raise LaunchUnusable("The parameter launch is missing.")
        if launch_id in self._spent:
            raise LaunchUnusable("This launch has been used already.")
        launch = self._open.get(launch_id)
        if launch is None:
            raise LaunchUnusable("This launch is not known here.")
        if launch.client_id != client_id:
            raise LaunchUnusable("This launch was opened for another app.")
        if launch.expires_at <= self._clock():
            raise LaunchUnusable("This launch has expired.")
        return launch

    def spend_launch(self, launch_id: str) -> None:
        """Mark the launch as used; every later find_launch refuses it."""
        self._spent.add(launch_id)
        self._open.pop(launch_id, None)
