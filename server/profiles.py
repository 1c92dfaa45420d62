"""Other ways to describe a thing than our own: the bare one, and the one that a catalogue harvester wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from server.description import TYPE, Description
from server.errors import Problem
from server.negotiation import negotiate_profile
from server.rdf_formats import Triple, triple, value
from server.store import ReadStore

_DCAT = "http://www.w3.org/ns/dcat#"
_DCTERMS = "http://purl.org/dc/terms/"
_CATALOGUED = {_DCAT + name for name in ("Catalog", "Dataset", "DatasetSeries", "Distribution", "DataService")}
_FOLLOWED = {
    *(_DCAT + name for name in ("dataset", "service", "distribution", "contactPoint", "accessService")),
    *(_DCTERMS + name for name in ("publisher", "temporal", "rightsHolder")),
    "http://spdx.org/rdf/terms#checksum",
}
_MOST_NODES = 10_000


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile of descriptions: its token for `?profile=`, its IRI, and other IRIs it is asked for by."""

    token: str
    iri: str
    aliases: tuple[str, ...] = ()


CBD = Profile("cbd", "http://www.w3.org/Submission/CBD/")
DCAT_AP_SE = Profile("dcat-ap-se", "http://data.europa.eu/r5r/", (_DCAT, "https://docs.dataportal.se/dcat/"))


def profiles_of(description: Description) -> tuple[Profile, ...]:
    """Return the profiles that a thing can be described in: DCAT-AP-SE only what stands in a catalogue."""
    catalogued = any(found.text in _CATALOGUED for found in description.terms(TYPE))
    return (CBD, DCAT_AP_SE) if catalogued else (CBD,)


def choose_profile(offered: tuple[Profile, ...], accept_profile: str | None, asked: str | None) -> Profile | None:
    """Return the profile to answer in, None for our own description.

    `asked` is `?profile=`, a token or an IRI, and wins; raises Problem 406 when there is no such profile.
    """
    named = {name: profile for profile in offered for name in (profile.token, profile.iri, *profile.aliases)}
    if asked:
        if asked not in named:
            tokens = ", ".join(profile.token for profile in offered)
            raise Problem(
                406,
                f"This is not described in the profile {asked[:100]!r}. Offered: {tokens}.",
                sv=f"Det här beskrivs inte i profilen {asked[:100]!r}. Erbjuds: {tokens}.",
            )
        return named[asked]
    chosen = negotiate_profile(accept_profile, list(named))
    return named[chosen] if chosen else None


def profiled(store: ReadStore, iri: str, profile: Profile) -> Iterator[Triple]:
    """Yield the description of an IRI in a profile: its own triples, and for DCAT-AP-SE what a harvester follows."""
    pending, seen = [iri], {iri}
    while pending:
        subject = pending.pop()
        for property, term in store.outgoing(subject):
            yield triple(subject, property, term)
            found = value(term)
            follow = property in _FOLLOWED if profile is DCAT_AP_SE else "/.well-known/genid/" in found.text
            if found.kind == "iri" and follow and found.text not in seen and len(seen) < _MOST_NODES:
                seen.add(found.text)
                pending.append(found.text)
