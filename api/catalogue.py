"""The catalogue of all that can be taken away, for the catalogues of national portals (DCAT-AP).

    GET /gt/catalogo.jsonld      https://www.w3.org/TR/vocab-dcat-3/ as JSON-LD, in the profile DCAT-AP 3: a dataset for
                                 each table and for each consultation, a distribution for each form

It follows from the tables themselves (`api.tables`, `api.columns`), so that a table which is added there is here too.
The licence is the operator's to state (`licence` in the settings); where none is stated, the catalogue says so.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from hashlib import sha256
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from api import releases
from api.downloads import HEADERS, unchanged
from api.record import Reader, View
from api.site import Place
from api.tables import TABLES, Table
from api.tabular import DESCRIPTION, FORMS, in_both
from projections.commitments import PlanState
from projections.evidence import last_day
from projections.roll import Actor, RoleHeld
from projections.rounds import Round

_EU = "http://publications.europa.eu/resource/authority"
CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
# What the authority table of file types calls our forms; of the others the media type says all.
_FILE_TYPES = {"csv": "CSV", "json": "JSON", "parquet": "PARQUET"}
_UNSTATED = (
    "Quien opera este registro no ha declarado una licencia.",
    "Whoever operates this ledger has stated no licence.",
)


def catalogue(view: View, place: Place, licence: str) -> dict[str, Any]:
    """The catalogue as JSON-LD. Addresses begin with the scheme and host of `place`."""
    root = place.base + place.raw()
    about = _About(view, root, licence)
    title = f"Registro de gobierno abierto {view.ledger.origin}", f"Open-government record {view.ledger.origin}"
    described = (
        "Compromisos, lo reportado, lo evaluado y la evidencia, con los asientos firmados que los sostienen.",
        "Commitments, what is reported, what is assessed and the evidence, with the signed entries they rest on.",
    )
    return {
        "@context": CONTEXT,
        "@id": f"{root}/catalogo.jsonld",
        "@type": "dcat:Catalog",
        "dct:title": in_both(*title),
        "dct:description": in_both(*described),
        "dct:publisher": about.publisher(),
        "dct:language": [{"@id": f"{_EU}/language/SPA"}, {"@id": f"{_EU}/language/ENG"}],
        "dct:modified": about.modified,
        "foaf:homepage": {"@id": f"{root}/"},
        **about.rights(),
        "dcat:dataset": [*about.datasets()],
    }


class _About:
    """The parts of a catalogue, all of one record."""

    def __init__(self, view: View, root: str, licence: str) -> None:
        self.view = view
        self.root = root
        self.licence = licence
        self.modified = {"@type": "xsd:dateTime", "@value": view.as_of}
        checkpoint = view.checkpoint
        self.source = {
            "@type": "dct:ProvenanceStatement",
            "rdfs:label": f"{checkpoint.origin} {checkpoint.size} {checkpoint.root.hex()}",
        }

    def publisher(self, plan: str = "") -> dict[str, Any]:
        """The coordinator of a plan, or of any; the ledger itself where there is none."""
        for slug, actor in self.view.records.scan(Actor):
            for _, held in self.view.records.scan(RoleHeld, prefix=f"{slug}/"):
                if held.role == "coordinator" and held.ended is None and plan in ("", *held.plans):
                    site = {"foaf:homepage": {"@id": actor.site}} if actor.site else {}
                    return {"@type": "foaf:Agent", "foaf:name": actor.name, **site}
        return {"@type": "foaf:Agent", "foaf:name": self.view.ledger.origin}

    def rights(self) -> dict[str, Any]:
        """The licence, or that none is stated."""
        if self.licence:
            return {"dct:license": {"@id": self.licence}}
        return {"dct:rights": {"@type": "dct:RightsStatement", "rdfs:label": in_both(*_UNSTATED)}}

    def datasets(self) -> Iterator[dict[str, Any]]:
        """Every table of every plan, then the comments of every consultation."""
        for _, plan in self.view.records.scan(PlanState):
            for table in TABLES.values():
                yield self.table(plan, table)
            yield self.histories(plan)
        for _, round_ in self.view.records.scan(Round):
            yield self.comments(round_)

    def table(self, plan: PlanState, table: Table) -> dict[str, Any]:
        """A table of a plan."""
        shape = table.shape
        at = f"{self.root}/exportar/{plan.plan}/{shape.name}"
        title = [f"{name}: {plan.title}" for name in shape.title]
        return {
            **self._dataset(at, title, shape.about),
            "dct:publisher": self.publisher(plan.plan),
            **_when(plan),
            "dct:spatial": {"@type": "dct:Location", "dct:identifier": plan.country},
            "dcat:landingPage": {"@id": f"{self.root}/exportar#{plan.plan}.{shape.name}"},
            "dcat:distribution": [
                self._distribution(f"{at}.{form.ending}", form.ending, form.media_type, f"{at}.{DESCRIPTION}")
                for form in FORMS.values()
            ],
        }

    def histories(self, plan: PlanState) -> dict[str, Any]:
        """The histories of a plan's commitments."""
        at = f"{self.root}/exportar/{plan.plan}/{releases.NAME}"
        title = [f"Historia de cada compromiso: {plan.title}", f"History of each commitment: {plan.title}"]
        about = (
            "Una línea por compromiso: todas sus declaraciones, y lo que suman.",
            "A line for each commitment: all its statements, and what they add up to.",
        )
        page = f"{self.root}/exportar"
        return {
            **self._dataset(at, title, about),
            "dct:publisher": self.publisher(plan.plan),
            **_when(plan),
            "dct:spatial": {"@type": "dct:Location", "dct:identifier": plan.country},
            "dcat:landingPage": {"@id": page},
            "dcat:distribution": [
                self._distribution(f"{at}.{releases.ENDING}", releases.ENDING, releases.MEDIA_TYPE, page)
            ],
        }

    def comments(self, round_: Round) -> dict[str, Any]:
        """The comments of a consultation."""
        at = f"{self.root}/consultas/{round_.round}/comentarios"
        title = [f"Comentarios de la consulta {round_.round}", f"Comments of the consultation {round_.round}"]
        about = ("Una fila por cada comentario recibido.", "A row for each comment received.")
        described = f"{at}.{DESCRIPTION}"
        forms = (("csv", "csv"), ("json", "jsonl"))
        return {
            **self._dataset(at, title, about),
            "dct:publisher": self.publisher(round_.plan),
            "dcat:landingPage": {"@id": f"{self.root}/consultas/{round_.round}"},
            "dcat:distribution": [
                self._distribution(f"{at}.{ending}", form, FORMS[form].media_type, described) for ending, form in forms
            ],
        }

    def _dataset(self, at: str, title: Sequence[str], about: Sequence[str]) -> dict[str, Any]:
        return {
            "@id": f"{at}#dataset",
            "@type": "dcat:Dataset",
            "dct:identifier": at,
            "dct:title": in_both(*title),
            "dct:description": in_both(*about),
            "dct:modified": self.modified,
            "dct:provenance": self.source,
            "dct:accrualPeriodicity": {"@id": f"{_EU}/frequency/UPDATE_CONT"},
            "dct:accessRights": {"@id": f"{_EU}/access-right/PUBLIC"},
            "dcat:theme": [{"@id": f"{_EU}/data-theme/GOVE"}],
            "dcat:version": str(self.view.size),
        }

    def _distribution(self, url: str, form: str, media_type: str, described: str) -> dict[str, Any]:
        named = {"dct:format": {"@id": f"{_EU}/file-type/{_FILE_TYPES[form]}"}} if form in _FILE_TYPES else {}
        bare = media_type.partition(";")[0]
        return {
            "@id": f"{url}#distribution",
            "@type": "dcat:Distribution",
            "dct:title": form.upper(),
            "dcat:accessURL": {"@id": url},
            "dcat:downloadURL": {"@id": url},
            "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{bare}"},
            **named,
            "dct:conformsTo": {"@id": "http://www.w3.org/ns/csvw"} if form == "csv" else {"@id": described},
            "foaf:page": {"@id": described},
            **self.rights(),
        }


def _when(plan: PlanState) -> dict[str, Any]:
    """The time that a plan is for, as far as its dates say it."""
    ends = last_day(plan.ends)
    period = {
        **({"dcat:startDate": {"@type": "xsd:date", "@value": plan.starts.day}} if plan.starts.day else {}),
        **({"dcat:endDate": {"@type": "xsd:date", "@value": date.fromordinal(ends).isoformat()}} if ends else {}),
    }
    return {"dct:temporal": {"@type": "dct:PeriodOfTime", **period}} if period else {}


def handlers(reader: Reader) -> Sequence[HTTPRouteHandler]:
    """The route of the catalogue, below the ledger's path."""

    @get("/catalogo.jsonld", sync_to_thread=True, tags=["plans"])
    def jsonld(request: Request[Any, Any, Any]) -> Response[bytes]:
        """What can be taken away, for the catalogues of portals (DCAT-AP)."""
        view = reader.at()
        place = Place(str(request.base_url).rstrip("/"), reader.ledger.path, "es-GT")
        body = msgspec.json.encode(catalogue(view, place, licence_of(reader)))
        tag = f'"{sha256(body).hexdigest()[:24]}"'
        headers = HEADERS | {"etag": tag}
        if unchanged(request.headers.get("if-none-match", ""), tag):
            return Response(b"", status_code=304, headers=headers, media_type="application/ld+json")
        return Response(body, headers=headers, media_type="application/ld+json")

    return [jsonld]


def licence_of(reader: Reader) -> str:
    """The address of the licence that the operator states; empty for none."""
    settings = reader.settings
    ledgers = settings.ledgers if settings else ()
    return next((each.licence for each in ledgers if each.origin == reader.ledger.origin), "")
