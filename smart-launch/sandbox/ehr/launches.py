"""In: a patient, an encounter, perhaps a clinician. Out: launch ids an app may spend once within five minutes.
Never gives a launch to another client, and never a second time."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

LAUNCH_SECONDS = 300


class LaunchUnusable(Exception):
    """The launch id is unknown, spent, expired, or was opened for another client. The message says which."""


@dataclass(frozen=True)
class Launch:
    """One EHR launch. `practitioner` is `Practitioner/ID`, or None when the clinician is picked at authorization."""

    launch_id: str
    client_id: str
    patient: str
    encounter: str | None
    practitioner: str | None
    need_patient_banner: bool
    expires_at: float


class LaunchDesk:
    """Open launches in memory. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, Launch] = {}
        self._spent: set[str] = set()

    def open_launch(
        self, *, client_id: str, patient: str, encounter: str | None, practitioner: str | None, banner: bool
    ) -> Launch:
        """Open a launch for one client; the id has 192 random bits and tells nothing of the patient."""
        now = self._clock()
        self._open = {key: launch for key, launch in self._open.items() if launch.expires_at + 3600 > now}
        launch = Launch(
            launch_id=secrets.token_urlsafe(24),
            client_id=client_id,
            patient=patient,
            encounter=encounter,
            practitioner=practitioner,
            need_patient_banner=banner,
            expires_at=now + LAUNCH_SECONDS,
        )
        self._open[launch.launch_id] = launch
        return launch

    def find_launch(self, launch_id: str | None, client_id: str) -> Launch:
        """The launch, still unspent. Raises LaunchUnusable."""
        if not launch_id:
            raise LaunchUnusable("The parameter launch is missing; this server has EHR launch only.")
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
