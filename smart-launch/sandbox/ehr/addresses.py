"""In: resources and headers of the FHIR server, or of the app. Out: the same with our address in place of the other's.
Never changes anything but addresses."""

import re
from typing import Any

_INSTANCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$")


class AddressBook:
    """Both addresses of one record: the gateway's and the FHIR server's, without trailing slash."""

    def __init__(self, fhir_base: str, upstream_base: str) -> None:
        self.fhir_base = fhir_base
        self.upstream_base = upstream_base

    def show(self, value: Any) -> Any:
        """A copy of decoded JSON in which every mention of the FHIR server's address is the gateway's."""
        if isinstance(value, str):
            return value.replace(self.upstream_base, self.fhir_base) if self.upstream_base in value else value
        if isinstance(value, list):
            return [self.show(item) for item in value]
        if isinstance(value, dict):
            return {name: self.show(item) for name, item in value.items()}
        return value

    def show_location(self, location: str) -> str:
        """A Location, Content-Location or response.location on our base; a relative one stays relative."""
        if not location.startswith(("http://", "https://")):
            return location
        found = _INSTANCE.search(location)
        return f"{self.fhir_base}/{found.group(0)}" if found else self.fhir_base

    def store(self, value: Any) -> Any:
        """A copy of an app's resource in which literal references on the gateway's base are relative."""
        if isinstance(value, list):
            return [self.store(item) for item in value]
        if isinstance(value, dict):
            return {
                name: self.relative(item) if name == "reference" and isinstance(item, str) else self.store(item)
                for name, item in value.items()
            }
        return value

    def relative(self, text: str) -> str:
        """`Type/id` for an address on the gateway's base; anything else unchanged."""
        return text.removeprefix(f"{self.fhir_base}/")
