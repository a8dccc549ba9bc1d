"""A session is born at the callback and nowhere else: what was planted before it opens nothing. Case A17."""

from __future__ import annotations

from connector.visit.opening import pending_cookie
from connector.web.session import session_cookie
from tests.smart.scribe import OpenScribe, come_back, depart, launch
from tests.smart.strict_ehr import StrictEhr


async def test_a17_the_callback_draws_a_new_session_and_the_pending_cookie_is_dead(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        asked = await depart(browser, ehr)
        pending = pending_cookie(asked["state"])
        secret = browser.cookies[pending]
        answer = ehr.approve(asked)
        opened = await come_back(browser, ehr, answer)
        launch_id = opened.headers["location"].removeprefix("/v/")
        assert pending not in browser.cookies
        session = browser.cookies[session_cookie(launch_id)]
        assert session != secret and len(session) >= 43
        # Kept all the same, it neither repeats the callback nor opens the visit.
        browser.cookies.set(pending, secret)
        again = await come_back(browser, ehr, answer)
        assert (again.status_code, ehr.paths().count("POST /auth/token")) == (400, 1)
        browser.cookies.set(session_cookie(launch_id), secret)
        assert (await browser.get(f"/v/{launch_id}")).status_code == 404
        browser.cookies.set(session_cookie(launch_id), session)
        assert (await browser.get(f"/v/{launch_id}")).status_code == 200


async def test_a17_each_launch_has_a_session_of_its_own(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        places = [(await launch(browser, ehr)).headers["location"] for _ in range(3)]
        secrets = {browser.cookies[session_cookie(place.removeprefix("/v/"))] for place in places}
    assert (len(set(places)), len(secrets)) == (3, 3)


async def test_a17_a_planted_session_cookie_opens_nothing_and_is_never_taken_on(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """An attacker who plants a cookie before the launch, his own session's among them, knows nothing of what comes."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as attacker, scribe.browser() as victim:
        theirs = (await launch(attacker, ehr)).headers["location"].removeprefix("/v/")
        planted = attacker.cookies[session_cookie(theirs)]
        victim.cookies.set(session_cookie(theirs), planted)
        place = (await launch(victim, ehr)).headers["location"].removeprefix("/v/")
        assert place != theirs
        assert victim.cookies[session_cookie(place)] != planted
        attacker.cookies.set(session_cookie(place), planted)
        assert (await attacker.get(f"/v/{place}")).status_code == 404
