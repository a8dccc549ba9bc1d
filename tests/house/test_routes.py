"""Every route has a session or stands on the list of open routes; every change needs the CSRF token (house rule 8)."""

import ast

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount

from connector.web import (
    capturing,
    correcting,
    fetching,
    hooks,
    knowing,
    launching,
    listening,
    picking,
    recorder,
    returning,
    visiting,
)
from connector.web.application import OPEN_ROUTES
from connector.web.session import open_changing_session, open_hidden_session, open_session, open_unlocking_session
from tests.house.tree import ROOT

ROUTES = [
    route
    for router in (
        room.router
        for room in (
            launching,
            picking,
            visiting,
            correcting,
            knowing,
            listening,
            capturing,
            fetching,
            recorder,
            returning,
            hooks,
        )
    )
    for route in router.routes
]


def _dependencies(route: APIRoute) -> set[object]:
    found: set[object] = set()
    waiting = list(route.dependant.dependencies)
    while waiting:
        one = waiting.pop()
        found.add(one.call)
        waiting += one.dependencies
    return found


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.methods}{route.path}")
def test_a_route_has_a_session_or_is_listed_as_open(route: APIRoute) -> None:
    opened = _dependencies(route) & {open_session, open_hidden_session, open_changing_session, open_unlocking_session}
    assert opened or route.path in OPEN_ROUTES
    assert not (opened and route.path in OPEN_ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.methods}{route.path}")
def test_a_route_that_changes_something_checks_origin_and_token(route: APIRoute) -> None:
    if route.methods & {"POST", "PUT", "PATCH", "DELETE"} and route.path not in OPEN_ROUTES:
        assert {open_changing_session, open_unlocking_session} & _dependencies(route)


def test_the_open_list_names_only_routes_that_exist() -> None:
    tree = ast.parse((ROOT / "connector/web/application.py").read_text(encoding="utf-8"))
    literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    known = {route.path for route in ROUTES} | {"/health/live", "/health/ready", "/static"}
    assert set(OPEN_ROUTES) <= known
    assert {"/health/live", "/health/ready", "/static"} <= literals
    assert not any(isinstance(route, Mount) for route in ROUTES)
