"""Pages from templates. In: a template's name and its values. Out: an HTML response. Everything is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from connector.assets.catalogue import templates_folder


def wants_json(request: Request) -> bool:
    """Whether the caller asked for JSON rather than a page."""
    accept = request.headers.get("accept", "")
    return "json" in accept and "text/html" not in accept


class Pages:
    """The compiled page templates; `version` is shown on every page's foot.

    Unless told that real patients may be seen, every page says that it is for synthetic data only.
    """

    def __init__(self, version: str, *, synthetic: bool = True) -> None:
        folder = templates_folder() / "pages"
        self._environment = Environment(
            loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, auto_reload=False
        )
        self._environment.globals["version"] = version
        self._environment.globals["synthetic"] = synthetic

    def render(
        self,
        request: Request,
        name: str,
        values: Mapping[str, Any],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """The page `name` with `values`; `request` is there for nothing but future needs of the base template."""
        del request
        html = self._environment.get_template(name).render(**values)
        return HTMLResponse(html, status, dict(headers or {}))
