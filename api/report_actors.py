"""Who is who in the report: the bodies it speaks of, and how it prints their names.

The importer registers none of them (rule A11): it lists those that must be registered before, and everybody else whom
the report names.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from api.report_reader import fold


class Actor(msgspec.Struct, frozen=True):
    """A body that the report speaks of: its slug, form, Spanish and English name, and how else it is printed."""

    actor: str
    form: str
    name_es: str
    name_en: str
    printed: tuple[str, ...] = ()


ACTORS: Final = (
    Actor(
        "copret",
        "institution",
        "Comisión Presidencial de Transparencia y Gobierno Electrónico (COPRET)",
        "Presidential Commission on Transparency and Electronic Government",
        ("COPRET", "Presidential Commission on Transparency and e-Government", "Presidential Transparency Commission",
         "Presidential Commission on Transparency"),
    ),
    Actor(
        "minfin",
        "institution",
        "Ministerio de Finanzas Públicas (MINFIN)",
        "Ministry of Public Finance",
        ("MINFIN",),
    ),
    Actor(
        "segeplan",
        "institution",
        "Secretaría de Planificación y Programación de la Presidencia (SEGEPLAN)",
        "Planning and Programming Secretariat of the President’s Office",
        ("SEGEPLAN", "Economic Planning and Programming Secretariat of the President’s Office",
         "Economic Planning and Programming Secretariat of the President’s Office SEGEPLAN",
         "Secretary of Planning and Programming of the Presidency"),
    ),
    Actor(
        "sat",
        "institution",
        "Superintendencia de Administración Tributaria (SAT)",
        "Tax Administration Superintendence",
        ("SAT", "Tax Administration Office"),
    ),
    Actor("ine", "institution", "Instituto Nacional de Estadística (INE)", "National Statistics Institute", ("INE",)),
    Actor(
        "mspas",
        "institution",
        "Ministerio de Salud Pública y Asistencia Social (MSPAS)",
        "Ministry of Public Health and Social Assistance",
        ("MSPAS",),
    ),
    Actor(
        "conred",
        "institution",
        "Coordinadora Nacional para la Reducción de Desastres (CONRED)",
        "National Coordinator for Disaster Reduction",
        ("CONRED",),
    ),
    Actor(
        "mingob",
        "institution",
        "Ministerio de Gobernación (MINGOB)",
        "Ministry of the Interior",
        ("Minister of the Interior",),
    ),
    Actor(
        "icefi",
        "organisation",
        "Instituto Centroamericano de Estudios Fiscales (ICEFI)",
        "Central American Institute for Fiscal Studies",
        ("ICEFI",),
    ),
    Actor("guatecivica", "organisation", "Guatecívica", "Guatecívica", ("Non-Governmental Organization, Guatecívica",)),
    Actor("congreso-transparente", "organisation", "Congreso Transparente", "Congreso Transparente"),
    Actor(
        "irm",
        "organisation",
        "Mecanismo de Revisión Independiente (IRM)",
        "Independent Review Mechanism",
        ("IRM",),
    ),
    Actor(
        "ogp",
        "organisation",
        "Alianza para el Gobierno Abierto (AGA)",
        "Open Government Partnership",
        ("OGP",),
    ),
)  # fmt: skip
"""Who is who in the report. Anybody else whom it names is listed as named, never guessed at."""

COORDINATOR: Final = "copret"
"""The body that wrote the report and coordinates the plan."""

_ACRONYM = re.compile(r"\s*(?:-\s*[A-Z]{2,}\s*-?|\([A-Z]{2,}\))")


def _actor_key(name: str) -> str:
    return fold(_ACRONYM.sub(" ", name) if _ACRONYM.sub("", name).strip() else name)


_BY_NAME: Final = {_actor_key(n): a for a in ACTORS for n in (a.name_en, *a.printed)}


def find_actor(name: str) -> Actor | None:
    """The actor printed under this name, acronyms and accents aside."""
    return _BY_NAME.get(_actor_key(name))


_SPEAKER = re.compile(
    r"(?:The )?(?P<head>.*?),?\s*(?:Mr\.|Mrs\.|Ms\.|Dr\.|Licenciad[oa]|Engineer|Attorney)\s+(?=[A-ZÁÉÍÓÚÑ])"
)


def find_speaker(text: str) -> tuple[str, str] | None:
    """(actor, post) of a remark: what stands before the speaker's title and name."""
    match = _SPEAKER.match(text)
    if match is None:
        return None
    head = match["head"]
    names = sorted(((n, a) for a in ACTORS for n in (a.name_en, *a.printed)), key=lambda pair: -len(pair[0]))
    for name, actor in names:
        at = head.casefold().find(name.casefold())
        if at < 0:
            continue
        if name.startswith("Minister "):
            # "Deputy Minister of the Interior": the post names the ministry.
            return actor.actor, head
        rest = head[:at] + " " + head[at + len(name) :]
        rest = re.sub(r"-[A-Z]+-|(?i:\b(?:of|the|civil organization)\b)|,", " ", rest)
        post = " ".join(rest.split())
        return actor.actor, post[0].upper() + post[1:] if post else "representative"
    return None
