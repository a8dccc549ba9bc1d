"""In: `next` links of the FHIR server. Out: opaque links on the gateway's own base, good for the app that got them.
Never shows the FHIR server's address and never serves a page to another approval."""

import secrets
from collections import OrderedDict
from urllib.parse import urlsplit

from .refusals import Refusal

MAX_LINKS = 5000
PAGE = "_page"


class PageLinks:
    """Issued page links, the oldest forgotten first."""

    def __init__(self, fhir_base: str, upstream_base: str) -> None:
        self._fhir_base = fhir_base
        self._origin = _origin(upstream_base)
        self._links: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def issue(self, url: str, approval_id: str) -> str:
        """The address the app may follow. A server behind a proxy may name itself wrongly: its origin is set right."""
        key = secrets.token_urlsafe(18)
        parts = urlsplit(url)
        self._links[key] = (f"{self._origin}{parts.path}?{parts.query}", approval_id)
        while len(self._links) > MAX_LINKS:
            self._links.popitem(last=False)
        return f"{self._fhir_base}?{PAGE}={key}"

    def resolve(self, query: list[tuple[str, str]], approval_id: str) -> str:
        """The FHIR server's own link. Raises Refusal 400 for a link that was built by hand, 410 for a forgotten one."""
        if [name for name, _ in query] != [PAGE]:
            raise Refusal(400, "invalid", "a search on the base is offered only for page links, followed as they are.")
        url, owner = self._links.get(query[0][1], ("", ""))
        if not url or owner != approval_id:
            raise Refusal(410, "not-found", "this page link is not known any more.")
        return url


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
