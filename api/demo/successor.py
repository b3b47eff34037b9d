"""The invented plan that follows the printed one: six commitments, to look at two plans side by side.

    register(people, plan)      the plan, its axes, its commitments and mechanisms, signed by the coordinator
    follow(people, plan)        what the institutions reported, what was linked and captured, who judged it and how

It is nobody's plan. Guatemala had a third one of its own, and nothing of that is here. Each commitment takes up a
subject of the printed plan, and each mechanism says by what it is verified, how much it is to reach and by when, which
the printed ones do not. How they stand differs as well:

    G1    reported complete, and two that judged agree: complete (after G2 of the printed plan)
    G2    reported substantial, and the verdicts reach as far (after C19)
    G3    reported complete; two that judged differ, and the evidence reaches less (after G22)
    C1    reported limited; the evidence reaches more (after C8)
    C2    a link that nobody has captured, and a request that is past its day (after C10)
    C3    the coordinator's own; a citizen's dispute was admitted and answered, and is open (after C2)

Words and documents are made up, as in `api.demo.evidence`, and say so.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from api.demo.cast import INVENTED, Cast
from api.demo.consultation import DAY_MS, digest_of
from api.demo.evidence import CODES, Story, words
from ledger.statement import format_when

_CHAIR, _S, _T, _I = "copret:coordinator", "icefi:assessor", "congreso-transparente:assessor", "irm:irm"
_OURS, _THEIRS = "captura-coordinacion:capturer", "captura-icefi:capturer"
_SPAN = {"from": "2016-07-01T06:00:00Z", "until": "2018-07-01T06:00:00Z"}
_STARTS, _ENDS = "2016-07-01", "2018-06-30"

_AXES = {"cuentas-claras": "cuentas claras", "servicios-y-territorio": "servicios y territorio"}


class Milestone(NamedTuple):
    """A mechanism: what is to be done, by what it is verified, how much (a number and its unit), and the last day."""

    text: str
    means: str
    goal: tuple[int, str]
    due: str


class Promise(NamedTuple):
    """A commitment in the fields of an action plan's template; `further` says what of the printed plan it takes up."""

    code: str
    institution: str
    axis: str
    further: str
    title: str
    objective: str
    problem: str
    description: str
    relevance: str
    ambition: str
    post: str
    milestones: tuple[Milestone, ...]


PROMISES: Sequence[Promise] = (
    Promise(
        "G1",
        "minfin",
        "cuentas-claras",
        "en el plan 2014-2016, el compromiso G2 pedía enlazar el presupuesto ciudadano en cada sitio.",
        "el gasto público, mes a mes y en formato abierto",
        "que cualquier persona pueda seguir durante el año en qué se gasta el presupuesto.",
        "el presupuesto ciudadano sale una vez al año, y no cuenta lo que pasa después de aprobado.",
        "publicar el gasto de cada mes por entidad y por programa, con un diccionario que explique cada columna.",
        "abre información que hoy solo se consulta dentro del sistema contable.",
        "pasar de un folleto al año a veinticuatro archivos que una máquina puede leer.",
        "dirección encargada del presupuesto",
        (
            Milestone(
                "un archivo abierto con el gasto del mes, por entidad y programa.",
                "el archivo de cada mes, en el portal, a los diez días de cerrado el mes.",
                (24, "meses"),
                "2018-06-30",
            ),
            Milestone(
                "diccionario de los datos, con ejemplos.",
                "el diccionario publicado junto a los archivos, con su fecha y su versión.",
                (1, "diccionario"),
                "2016-12-31",
            ),
        ),
    ),
    Promise(
        "G2",
        "sat",
        "cuentas-claras",
        "continúa el C19 de 2014-2016, que proponía una consulta pública de exenciones.",
        "lo que el Estado deja de cobrar, ley por ley",
        "que se conozca cuánto cuesta cada exención y a cuántos beneficia.",
        "del listado anterior faltaban los montos, y de los montos, los años.",
        "calcular y publicar el monto exonerado de cinco años, y cuántos contribuyentes usan cada ley.",
        "permite discutir las exenciones con cifras en la mano.",
        "sería la primera serie de varios años que se publica con su método.",
        "intendencia encargada de la recaudación",
        (
            Milestone(
                "el monto exonerado por ley, de cinco años seguidos.",
                "la tabla publicada, con una nota que explica el método.",
                (5, "años"),
                "2017-12-31",
            ),
            Milestone(
                "cuántos contribuyentes se acogen a las leyes vigentes.",
                "un informe por ley, sin datos de personas.",
                (12, "leyes"),
                "2018-03-31",
            ),
        ),
    ),
    Promise(
        "G3",
        "conred",
        "cuentas-claras",
        "parte de los gastos que el compromiso G22 anterior dio a conocer.",
        "compras de emergencia, cada una con su contrato",
        "que de cada compra hecha en una emergencia se pueda leer el contrato.",
        "se publicaba cuánto se gastó, sin decir a quién se le compró ni qué.",
        "publicar por trimestre las compras hechas bajo estado de calamidad, con enlace al contrato.",
        "rinde cuentas de las compras que menos controles previos tienen.",
        "alcanza a todas las compras de emergencia, también a las pequeñas.",
        "unidad encargada de las compras",
        (
            Milestone(
                "la lista trimestral de compras, con el contrato de cada una.",
                "ocho listas en el portal; cada fila enlaza su contrato.",
                (8, "trimestres"),
                "2018-06-30",
            ),
        ),
    ),
    Promise(
        "C1",
        "segeplan",
        "servicios-y-territorio",
        "lleva más lejos el piloto que el C8 de 2014-2016 dejó en tres municipios.",
        "mapas comunitarios en todos los departamentos",
        "que los consejos de desarrollo decidan con mapas hechos por las comunidades.",
        "el piloto quedó en tres municipios y nadie dijo cómo seguiría.",
        "levantar un mapa por departamento con sus comunidades, y presentarlo en el consejo departamental.",
        "da a las comunidades voz en lo que se construye y dónde.",
        "lleva un piloto de tres municipios a todo el país.",
        "dirección encargada del ordenamiento territorial",
        (
            Milestone(
                "un mapa de problemas y potencialidades en cada departamento.",
                "el mapa publicado, con la lista de comunidades que lo hicieron.",
                (22, "departamentos"),
                "2018-03-31",
            ),
            Milestone(
                "presentación de los mapas en los consejos departamentales.",
                "el acta de la sesión en que el consejo conoció su mapa.",
                (22, "actas"),
                "2018-06-30",
            ),
        ),
    ),
    Promise(
        "C2",
        "mspas",
        "servicios-y-territorio",
        "se apoya en el diagnóstico del primer nivel de atención, compromiso C10 de 2014-2016.",
        "qué atiende cada puesto de salud, y en qué horario",
        "que una familia sepa, antes de caminar, si el puesto está abierto y qué atiende.",
        "un diagnóstico contó los puestos, pero no dijo cuáles funcionan.",
        "visitar trescientos puestos y publicar horario, personal y servicios de cada uno.",
        "acerca a la población un dato del que dependen viajes de horas.",
        "cubre la cuarta parte de los puestos, empezando por los más lejanos.",
        "dirección encargada de las áreas de salud",
        (
            Milestone(
                "ficha pública de cada puesto visitado.",
                "la ficha en el sitio del ministerio y un cartel en la puerta del puesto.",
                (300, "puestos"),
                "2018-06-30",
            ),
        ),
    ),
    Promise(
        "C3",
        "copret",
        "servicios-y-territorio",
        "informar en los idiomas del país era ya el C2 de 2014-2016.",
        "la ley de acceso a la información, en cuatro idiomas mayas",
        "que se pueda pedir información al Estado en el idioma propio.",
        "la ley y sus formularios están solo en español.",
        "traducir la ley y los formularios con las comunidades lingüísticas, y explicarlos por radio.",
        "lleva un derecho que ya existe a quienes no podían usarlo.",
        "cuatro idiomas que habla la mayor parte de la población maya.",
        "unidad encargada del acceso a la información",
        (
            Milestone(
                "traducción de la ley y de sus formularios.",
                "el texto publicado en cada idioma, con el aval de la comunidad lingüística.",
                (4, "idiomas"),
                "2017-08-09",
            ),
            Milestone(
                "programas de radio que explican cómo se pide información.",
                "los audios, y la constancia de la emisora que los transmitió.",
                (8, "programas"),
                "2018-03-31",
            ),
        ),
    ),
)

# What the IRM codes of each: by aspect, in the order of the methodology.
_CODED: Mapping[str, tuple[str, ...]] = {
    "G1": ("high", "access_to_information", "moderate", "major"),
    "G2": ("high", "access_to_information", "transformative", "marginal"),
    "G3": ("high", "public_accountability", "moderate", "marginal"),
    "C1": ("high", "civic_participation", "transformative", "major"),
    "C2": ("medium", "access_to_information", "minor", "did_not_change"),
    "C3": ("medium", "access_to_information", "moderate", "marginal"),
}


def _day(day: str) -> dict[str, str]:
    return {"day": day, "precision": "day"}


# --- what was promised -----------------------------------------------------------------------------------------------


def register(people: Cast, plan: str) -> None:
    """The plan as its coordinator registers it."""
    story = Story(people, plan)
    story.say(
        "PlanRegistered",
        _CHAIR,
        title=INVENTED + "plan siguiente, 2016-2018",
        country="GT",
        cycle=3,
        starts=_day(_STARTS),
        ends=_day(_ENDS),
        document=digest_of("plan-siguiente.md"),
    )
    for axis, title in _AXES.items():
        story.say("AxisDefined", _CHAIR, axis=axis, title=INVENTED + title)
    for promise in PROMISES:
        _promise(story, promise)


def _promise(story: Story, promise: Promise) -> None:
    texts = ("title", "objective", "problem", "description", "relevance", "ambition", "further", "post")
    proposer = "government" if promise.code.startswith("G") else "civil_society"
    story.say(
        "CommitmentRegistered",
        _CHAIR,
        commitment=story.id(promise.code),
        number=int(promise.code[1:]),
        proposer=proposer,
        institution=promise.institution,
        axis=promise.axis,
        others={"government": [], "civil": [], "unlabelled": []},
        starts=_day(_STARTS),
        due=_day(max(one.due for one in promise.milestones)),
        **{name: INVENTED + getattr(promise, name) for name in texts},
    )
    for number, one in enumerate(promise.milestones, 1):
        value, unit = one.goal
        story.say(
            "MechanismDefined",
            _CHAIR,
            mechanism=story.id(f"{promise.code}.M{number}"),
            text=INVENTED + one.text,
            means=INVENTED + one.means,
            repeats="once",
            goal={"value": value, "decimals": 0, "unit": unit},
            due=_day(one.due),
        )


# --- what came of it -------------------------------------------------------------------------------------------------


def follow(people: Cast, plan: str) -> None:
    """What was reported, linked, captured and judged, commitment by commitment."""
    story = Story(people, plan)
    for tell in (_g1, _g2, _g3, _c1, _c2, _c3, _assess):
        tell(story)
    people.settle()


def _shown(story: Story, who: str, name: str, title: str, month: str, *mechanisms: str) -> tuple[Any, str]:
    """A document that an institution links and two organisations capture: the link, and the digest."""
    dated = {"day": f"{month}-01", "precision": "month"}
    link = story.link(who, f"siguiente-{name}", title, *mechanisms, dated=dated)
    return link, story.capture(link, f"siguiente-{name}", _OURS, _THEIRS)


def _report(story: Story, code: str, level: str, day: str, reason: str, *links: Any) -> None:
    """The level that the responsible institution reports, and the day of completion."""
    who = next(one.institution for one in PROMISES if one.code == code) + ":institution"
    subject, evidence = story.id(code), [link.identity for link in links]
    story.say("CompletionReported", who, subject=subject, level=level, reason=INVENTED + reason, evidence=evidence)
    story.say("CompletionDateSet", who, subject=subject, date=_day(day))


def _g1(story: Story) -> None:
    minfin = "minfin:institution"
    spent, months = _shown(story, minfin, "g1-gasto.csv", "gasto por mes, de 24 meses", "2018-06", "G1.M1")
    guide, columns = _shown(story, minfin, "g1-diccionario.md", "diccionario de los datos", "2016-12", "G1.M2")
    _report(story, "G1", "complete", "2018-06-30", "están los 24 meses y el diccionario.", spent, guide)
    story.verdict(_S, "G1.M1", "complete", months, "se contaron los 24 meses, y ninguno llegó tarde.")
    story.verdict(_I, "G1.M1", "complete", months, "los archivos se abren y suman lo que dicen.")
    story.verdict(_S, "G1.M2", "complete", columns, "explica todas las columnas.")
    story.verdict(_I, "G1.M2", "complete", columns, "tiene fecha, versión y ejemplos.")


def _g2(story: Story) -> None:
    sat = "sat:institution"
    amounts, years = _shown(story, sat, "g2-exenciones.csv", "monto exonerado por ley y año", "2017-12", "G2.M1")
    users, laws = _shown(story, sat, "g2-beneficiarios.md", "quiénes se acogen a cada ley", "2018-03", "G2.M2")
    _report(story, "G2", "substantial", "2018-03-31", "los montos están; faltan informes por ley.", amounts, users)
    story.verdict(_S, "G2.M1", "substantial", years, "son cinco años, y de uno falta la nota del método.")
    story.verdict(_I, "G2.M1", "substantial", years, "la serie está; el método, solo en parte.")
    story.verdict(_S, "G2.M2", "substantial", laws, "hay informe de nueve de las doce leyes.")


def _g3(story: Story) -> None:
    bought, listed = _shown(
        story, "conred:institution", "g3-compras.csv", "compras de emergencia por trimestre", "2018-06", "G3.M1"
    )
    _report(story, "G3", "complete", "2018-06-30", "se publicaron las ocho listas.", bought)
    story.verdict(_T, "G3.M1", "complete", listed, "las ocho listas están, y eso se prometió.")
    story.verdict(_I, "G3.M1", "limited", listed, "las listas están, pero en cinco de ocho falta el contrato.")


def _c1(story: Story) -> None:
    segeplan = "segeplan:institution"
    maps, made = _shown(story, segeplan, "c1-mapas.csv", "mapas por departamento", "2018-03", "C1.M1")
    minutes, heard = _shown(story, segeplan, "c1-actas.md", "actas de los consejos", "2018-06", "C1.M2")
    _report(story, "C1", "limited", "2018-06-30", "los mapas avanzan; no todos se han presentado.", maps, minutes)
    story.verdict(_S, "C1.M1", "substantial", made, "hay mapa en 19 de 22 departamentos.")
    story.verdict(_T, "C1.M1", "substantial", made, "los 19 mapas nombran a sus comunidades.")
    story.verdict(_S, "C1.M2", "substantial", heard, "hay 16 actas de 22.")


def _c2(story: Story) -> None:
    mspas, now = "mspas:institution", story.people.now_ms
    cards = story.link(mspas, "siguiente-c2-puestos", "fichas de los puestos", "C2.M1")
    _report(story, "C2", "limited", "2018-06-30", "se visitaron setenta puestos.", cards)
    asked, due = format_when(now - 3 * DAY_MS), _day(format_when(now - 2 * DAY_MS)[:10])
    ask: dict[str, Any] = {"institution": "mspas", "mechanism": story.id("C2.M1"), "due": due, "said_at": asked}
    story.say("EvidenceRequested", _T, words=words("¿cuáles son los setenta, y dónde están sus fichas?"), **ask)


def _c3(story: Story) -> None:
    copret = "copret:institution"
    law, texts = _shown(story, copret, "c3-traducciones.md", "la ley en cuatro idiomas", "2017-08", "C3.M1")
    radio, aired = _shown(story, copret, "c3-programas.csv", "programas transmitidos", "2018-03", "C3.M2")
    _report(story, "C3", "complete", "2018-03-31", "las traducciones y los programas están.", law, radio)
    story.verdict(_S, "C3.M1", "complete", texts, "están los cuatro textos, con su aval.")
    story.verdict(_I, "C3.M1", "complete", texts, "los avales se pueden leer.")
    story.verdict(_T, "C3.M2", "substantial", aired, "de dos programas no consta que se transmitieran.")
    heard = "en mi comunidad esa radio no transmitió ningún programa."
    disputed = story.dispute("vecina-17:citizen", radio, "C3.M2", "absent", heard)
    story.people.settle()
    fit = words("nombra la emisora y el mes: se puede comprobar.")
    story.say("DisputeScreened", _I, dispute=disputed.identity, screening="admitted", words=fit)
    story.answer(copret, disputed, "partly", "se pidió a la emisora su registro de transmisión.")


def _assess(story: Story) -> None:
    """The IRM's assessment, closed: a level for half of the commitments, and codes for all."""
    name, said = "irm-siguiente-inventada", {"G1": "complete", "G3": "limited", "C1": "substantial"}
    commitments = [story.id(code) for code in said]
    story.say("AssessmentOpened", _I, assessment=name, commitments=commitments, methodology=1, **_SPAN)
    for code, level in said.items():
        of: dict[str, Any] = {"commitment": story.id(code), "level": level, "evidence": []}
        reason = INVENTED + "según los mecanismos que el propio plan fijó."
        story.say("CompletionAssessed", _I, assessment=name, reason=reason, **of)
    for code, values in _CODED.items():
        for aspect, value in zip(CODES, values, strict=True):
            coded: dict[str, Any] = {"commitment": story.id(code), "aspect": aspect, "code": value}
            story.say("CommitmentCoded", _I, words=words("así se leyó lo prometido y lo hecho."), **coded)
    story.people.settle()
    story.say("AssessmentClosed", _I, assessment=name, tree_size=story.people.registered)
