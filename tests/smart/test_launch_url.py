"""The launch URL: who may launch, what is believed of the query, and what is said to those who may not.

Cases A1, A2, A18, A19; client requirements 5, 6, 20, 35, 161, 193.
"""

from __future__ import annotations

import html
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.assets.registration import Registration, Registrations
from tests.smart.scribe import OpenScribe, asked_of, depart, launch
from tests.smart.strict_ehr import StrictEhr
from tests.smart.watch import connections

BASE = "https://ehr.example.org/fhir/r4"
JSON = {"Accept": "application/problem+json"}
MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "';alert(1)//",
    "{{7*191}}",
    "javascript:alert(1)",
    "</textarea><svg onload=alert(1)>",
    "&lt;script&gt;",
    "\u202e\u2066evil",
]


def registrations() -> Registrations:
    one = Registration("general", "General", BASE, "scribe", "public", ("launch",), "/launch/callback/general")
    return Registrations((one,))


async def test_a01_the_watcher_sees_a_connection(ehr: StrictEhr) -> None:
    """The control for the tests that count none."""
    with connections() as seen:
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(f"{ehr.fhir_base}/.well-known/smart-configuration")
    assert len(seen) == 1


@pytest.mark.parametrize("headers", [JSON, {"Accept": "text/html"}], ids=["machine", "person"])
async def test_a01_an_ehr_that_is_not_registered_is_refused_and_nobody_is_called(
    make_ehr, open_scribe: OpenScribe, headers: dict[str, str]
) -> None:
    """Case A1: a neutral 400, no outbound request at all, no cookie."""
    known, evil = make_ehr(), make_ehr()
    scribe = open_scribe(known)
    async with scribe.browser() as browser:
        with connections() as seen:
            answer = await browser.get("/launch", params=evil.open_launch(), headers=headers)
    assert answer.status_code == 400
    assert seen == []
    assert evil.heard == known.heard == []
    assert "set-cookie" not in answer.headers
    assert evil.base not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "iss={base}",
        "launch=x",
        "iss={base}&launch=",
        "iss=&launch=x",
        "iss={base}&iss={base}&launch=x",
        "iss={base}&launch=x&launch=y",
        "iss={base}%00&launch=x",
        "iss={base}&launch=%0d%0aSet-Cookie:x",
        "iss={base}&launch=" + "x" * 9000,
        "launch[]=x&iss={base}",
    ],
)
async def test_a01_a_launch_that_is_no_launch_calls_nobody(ehr: StrictEhr, open_scribe: OpenScribe, query: str) -> None:
    """Case A1; client requirement 161: exactly one iss and one launch."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        with connections() as seen:
            answer = await browser.get(f"/launch?{query.format(base=ehr.fhir_base)}")
    assert answer.status_code == 400
    assert seen == []


LOOK_ALIKES = {
    "a slash more": "{base}//",
    "a folder more": "{base}/x",
    "a folder less": "{parent}",
    "case of the host": "{upper}",
    "case of the scheme": "{shout}",
    "another scheme": "{https}",
    "another port": "{port}",
    "a user": "{user}",
    "our host as a user": "http://127.0.0.1@evil.example/fhir",
    "dots": "{parent}/x/../fhir",
    "an encoded slash": "{parent}%2ffhir",
    "an encoded letter": "{parent}/%66hir",
    "a query": "{base}?x=1",
    "an empty query": "{base}?",
    "a fragment": "{base}#x",
    "a space after": "{base} ",
    "a space before": " {base}",
    "a backslash": "{back}",
    "a dot after the host": "{dotted}",
    "another spelling of loopback": "{spelt}",
    "a wide letter": "{wide}",
    "a trick of right to left": "\u202e{base}",
}


@pytest.mark.parametrize("pattern", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
async def test_a02_a_look_alike_is_not_the_ehr(ehr: StrictEhr, open_scribe: OpenScribe, pattern: str) -> None:
    """Case A2: one documented normalisation (one trailing slash), and nothing else is evened out."""
    base = ehr.fhir_base
    parts = urlsplit(base)
    iss = pattern.format(
        base=base,
        parent=base.removesuffix("/fhir"),
        upper=base.replace(ehr.name, ehr.name.upper()),
        shout=base.replace("http://", "HTTP://"),
        https=base.replace("http://", "https://"),
        port=base.replace(f":{parts.port}", f":{parts.port}0"),
        user=base.replace("http://", "http://user@"),
        back=base.replace("/", "\\"),
        dotted=base.replace("127.0.0.1", "127.0.0.1."),
        spelt=base.replace("127.0.0.1", "127.1"),
        wide=base.replace("fhir", "ｆhir"),
    )
    assert iss != base
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        with connections() as seen:
            answer = await browser.get("/launch", params={"iss": iss, "launch": "x"})
    assert answer.status_code == 400
    assert seen == []


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a02_one_trailing_slash_is_the_same_ehr(ehr: StrictEhr, open_scribe: OpenScribe, slash: str) -> None:
    """Case A2; client requirement 41: `aud` is what stands in the registration."""
    scribe = open_scribe(ehr)
    opened = ehr.open_launch()
    async with scribe.browser() as browser:
        answer = await browser.get("/launch", params={**opened, "iss": opened["iss"] + slash})
    asked = asked_of(answer, ehr)
    assert asked["aud"] == ehr.fhir_base
    assert asked["launch"] == opened["launch"]


@settings(deadline=None)
@given(st.text(max_size=80))
def test_a02_no_other_text_finds_a_registration(text: str) -> None:
    """Case A2, over any text at all."""
    found = registrations().by_iss(text)
    assert (found is not None) == (text in (BASE, BASE + "/"))


@settings(deadline=None)
@given(
    place=st.integers(0, len(BASE)),
    put=st.sampled_from(["", "/", ".", "..", "%2f", "%00", ":443", "@", "\\", "?", "#", " ", "\t", "A", "е", "//"]),
    cut=st.integers(0, 2),
)
def test_a02_no_small_change_of_the_address_finds_it(place: int, put: str, cut: int) -> None:
    """Case A2, over every place of the address."""
    changed = BASE[:place] + put + BASE[place + cut :]
    found = registrations().by_iss(changed)
    assert (found is not None) == (changed in (BASE, BASE + "/"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"},
        {"Forwarded": "host=evil.example;proto=http"},
        {"X-Original-URL": "/v/x", "X-Rewrite-URL": "/v/x"},
        {"X-Forwarded-Prefix": "/evil", "X-Forwarded-For": "10.0.0.1"},
        {"Referer": "https://evil.example/", "Origin": "https://evil.example"},
    ],
    ids=lambda headers: next(iter(headers)),
)
async def test_a18_no_header_moves_the_redirect_uri_or_the_way_on(
    ehr: StrictEhr, open_scribe: OpenScribe, headers: dict[str, str]
) -> None:
    """Case A18; client requirements 6 and 34: addresses come from the configuration only."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        browser.headers.update(headers)
        asked = await depart(browser, ehr)
        assert asked["redirect_uri"] == ehr.client.redirect_uri
        back = await browser.get(urlsplit(ehr.client.redirect_uri).path, params=ehr.approve(asked))
    assert back.status_code == 303
    assert back.headers["location"].startswith("/v/")
    assert "evil" not in str(back.headers.get_list("set-cookie"))


@pytest.mark.parametrize("name", ["redirect_uri", "next", "url", "return_to", "client_id", "scope", "clientId"])
async def test_a18_parameters_nobody_asked_for_change_nothing(
    ehr: StrictEhr, open_scribe: OpenScribe, name: str
) -> None:
    """Case A18; client requirements 6 and 193: not in the launch and not in the callback."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await browser.get("/launch", params={**ehr.open_launch(), name: "https://evil.example/"})
        asked = asked_of(answer, ehr)
        query = {**ehr.approve(asked), name: "https://evil.example/"}
        back = await browser.get(urlsplit(ehr.client.redirect_uri).path, params=query)
    assert "evil" not in str(asked)
    assert back.headers["location"].startswith("/v/")
    assert ehr.flaws == []


@pytest.mark.parametrize("markup", MARKUP)
@pytest.mark.parametrize("accept", ["text/html", "application/problem+json"])
async def test_a19_nothing_of_the_query_is_repeated(
    ehr: StrictEhr, open_scribe: OpenScribe, markup: str, accept: str
) -> None:
    """Case A19; client requirement 5: iss, launch, error and its description are mapped to sentences of our own."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        browser.headers["Accept"] = accept
        first = await browser.get("/launch", params={"iss": markup, "launch": markup})
        asked = await depart(browser, ehr)
        query = {"error": markup, "error_description": markup, "error_uri": markup, "state": asked["state"]}
        second = await browser.get(
            urlsplit(ehr.client.redirect_uri).path, params={**query, "iss": ehr.issuer, "code": markup}
        )
        third = await browser.get(urlsplit(ehr.client.redirect_uri).path, params={"state": markup, "code": markup})
    for answer in (first, second, third):
        assert answer.status_code == 400
        assert markup not in answer.text
        assert markup not in html.unescape(answer.text)
        assert html.unescape(markup) not in answer.text
        assert "script-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("access_denied", "did not give the scribe access"),
        ("invalid_scope", "refused the scopes"),
        ("unauthorized_client", "does not let this client launch"),
        ("temporarily_unavailable", "cannot launch apps just now"),
        ("server_error", "failed while it launched"),
        ("something_new", "refused the launch"),
    ],
)
async def test_a19_an_error_of_the_ehr_becomes_a_sentence(
    ehr: StrictEhr, open_scribe: OpenScribe, error: str, sentence: str
) -> None:
    """Case A19; RFC 6749 section 4.1.2.1: each code has its own words, and no token call follows."""
    scribe = open_scribe(ehr)
    ehr.behaviour.callback = {"code": None, "error": error, "error_description": "patient Smith"}
    async with scribe.browser() as browser:
        answer = await launch(browser, ehr)
    assert answer.status_code == 400
    assert sentence in answer.text
    assert "Smith" not in answer.text
    assert "POST /auth/token" not in ehr.paths()
