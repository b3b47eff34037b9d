"""What the columns of a plan's tables mean: one `Shape` for each table, every column with a type and two sentences.

They go into each file's description (CSVW), into the metadata of Parquet files and onto the page of exports, so that a
column has one meaning everywhere. Codes of the record (levels, roles, kinds) stand as they stand in statements.
"""

from api.tabular import Column, Shape


def _date_columns(name: str, es: str, en: str) -> tuple[Column, Column]:
    """The two columns of a date."""
    return (
        Column(name, "date", f"{es} Es el primer día del lapso.", f"{en} It is the first day of the span."),
        Column(
            f"{name}_precision",
            "string",
            f"Precisión de {name}: day, month, year; none si no hay fecha.",
            f"How precise {name} is: day, month, year; none where there is no date.",
        ),
    )


_WORDS = (
    Column("words", "string", "Las palabras, si se dijeron en abierto.", "The words, if they were said in the open."),
    Column(
        "words_digest",
        "string",
        "Su resumen con sal, si no: lo que hoy es público de ellas está en la página del asiento.",
        "Their salted digest, if not: what is public of them today stands on the page of the entry.",
    ),
)

_SAID = (
    Column("index", "integer", "Número del asiento en el registro.", "Number of the entry in the ledger."),
    Column(
        "identity",
        "string",
        "Identidad de la declaración: SHA-256 del texto firmado.",
        "Identity of the statement: SHA-256 of the signed text.",
    ),
    Column("received_at", "dateTimeStamp", "Cuándo se recibió, UTC.", "When it was received, UTC."),
    Column(
        "actor",
        "string",
        "Quién lo dice; vacío si es una persona con llave propia.",
        "Who says it; empty for a person with a key of their own.",
    ),
    Column(
        "organisation",
        "string",
        "La organización de quien lo dice: la de su oficina o programa.",
        "The organisation of whoever says it: that of their office or program.",
    ),
    Column("role", "string", "En qué papel firma.", "In which role they sign."),
    Column("printed", "boolean", "Si se copió de un informe impreso.", "Whether it was copied from a printed report."),
    Column("withdrawn", "integer", "Asiento que la retiró, si fue retirada.", "Entry that withdrew it, if any did."),
    Column(
        "key_revoked",
        "integer",
        "Asiento que declaró comprometida, desde antes, la llave que firma.",
        "Entry that declared the signing key compromised since before.",
    ),
)

_WHY = (
    Column(
        "rules",
        "string",
        "Las reglas que lo dieron: nombres de la página de metodología.",
        "The rules that gave it: names of the methodology page.",
        many=True,
    ),
    Column("entries", "integer", "Los asientos que las dispararon.", "The entries that fired them.", many=True),
)

_SCALE = "complete, substantial, limited, not_started, no_evidence_available"

_COMMITMENT = Column("commitment", "string", "Identificador del compromiso.", "Identifier of the commitment.")

_MECHANISM = Column(
    "mechanism",
    "string",
    "Identificador del mecanismo; .M0 es el implícito.",
    "Identifier of the mechanism; .M0 is the implicit one.",
)

_LANG = Column("lang", "string", "Idioma de los textos (BCP 47).", "Language of the texts (BCP 47).")

COMMITMENTS = Shape(
    "commitments",
    ("Compromisos", "Commitments"),
    (
        "Una fila por compromiso: lo prometido como está ahora, lo reportado y lo que la evidencia sostiene.",
        "A row for each commitment: what was promised as it stands, what is reported, what the evidence supports.",
    ),
    ("commitment",),
    (
        _COMMITMENT,
        Column("number", "integer", "Número en el plan.", "Number in the plan."),
        Column(
            "proposer",
            "string",
            "Quién lo propuso: government, civil_society.",
            "Who proposed it: government, civil_society.",
        ),
        Column("title", "string", "Título.", "Title."),
        _LANG,
        Column("axis", "string", "Eje de trabajo (identificador).", "Work axis (identifier)."),
        Column("axis_title", "string", "Eje de trabajo.", "Work axis."),
        Column("institution", "string", "Institución responsable.", "Responsible institution."),
        Column("post", "string", "Cargo responsable.", "Office responsible."),
        Column("others_government", "json", "Otras entidades del gobierno.", "Other government bodies."),
        Column("others_civil", "json", "Otras entidades de la sociedad civil.", "Other civil-society bodies."),
        Column("others_unlabelled", "json", "Otras entidades nombradas.", "Other bodies named."),
        Column("objective", "string", "Objetivo.", "Objective."),
        Column("description", "string", "Descripción.", "Description."),
        Column("relevance", "string", "Relevancia.", "Relevance."),
        Column("ambition", "string", "Ambición.", "Ambition."),
        Column("problem", "string", "Problema que atiende.", "Problem that it addresses."),
        Column("further", "string", "Información adicional.", "Further information."),
        *_date_columns("starts", "Cuándo comienza.", "When it starts."),
        *_date_columns("due", "Cuándo vence, según lo prometido.", "When it is due, as promised."),
        *_date_columns("completion_date", "Fecha de cumplimiento fijada al final.", "Completion date as set last."),
        Column("dates_moved", "integer", "Cuántas veces se movió esa fecha.", "How often that date was moved."),
        Column("reported", "string", f"Nivel reportado: {_SCALE}.", f"Reported level: {_SCALE}."),
        Column("reported_by", "integer", "Asiento que lo reporta.", "Entry that reports it."),
        Column("evidenced", "string", "Nivel que la evidencia sostiene.", "Level that the evidence supports."),
        Column(
            "percent",
            "integer",
            "Porcentaje que lo acompaña; no lo decide.",
            "The percent beside it; it does not decide it.",
        ),
        Column(
            "gap",
            "integer",
            "Reportado menos evidenciado, en pasos de la escala 0 a 3; positivo si se reporta de más.",
            "Reported minus evidenced, in steps of the scale 0 to 3; positive where more is reported.",
        ),
        Column("contested", "boolean", "Si los evaluadores difieren.", "Whether assessors differ."),
        Column(
            "flags",
            "string",
            "Señales, como self_assessed, overdue, not_verifiable; copied_text si comparte texto con otro.",
            "Flags, such as self_assessed, overdue, not_verifiable; copied_text where it shares text with another.",
            many=True,
        ),
        Column(
            "links",
            "integer",
            "Cuántas piezas de evidencia enlazadas; no entra en ninguna fórmula.",
            "How many pieces of evidence are linked; it enters no formula.",
        ),
        Column("captured", "integer", "De ellas, cuántas se capturaron.", "Of these, how many were captured."),
        Column("index", "integer", "Asiento que registró el compromiso.", "Entry that registered the commitment."),
        Column(
            "printed", "boolean", "Si se copió de un informe impreso.", "Whether it was copied from a printed report."
        ),
    ),
)

MECHANISMS = Shape(
    "mechanisms",
    ("Mecanismos de cumplimiento", "Compliance mechanisms"),
    (
        "Una fila por mecanismo; un compromiso sin ninguno tiene uno implícito (M0).",
        "A row for each mechanism; a commitment without any has an implicit one (M0).",
    ),
    ("mechanism",),
    (
        _MECHANISM,
        _COMMITMENT,
        Column("number", "integer", "Número dentro del compromiso.", "Number within the commitment."),
        Column("implicit", "boolean", "Si nadie definió ninguno.", "Whether nobody has defined any."),
        Column("text", "string", "Qué se debe hacer.", "What is to be done."),
        _LANG,
        Column("means", "string", "Medio de verificación prometido.", "Means of verification promised."),
        Column("repeats", "string", "once (una vez) o recurring (periódico).", "once, or recurring."),
        Column("period_days", "integer", "Cada cuántos días, si es periódico.", "Every how many days, if recurring."),
        Column("grace_days", "integer", "Días de gracia, si se fijaron.", "Days of grace, if set."),
        *_date_columns("due", "Cuándo vence.", "When it is due."),
        Column(
            "weight_bp",
            "integer",
            "Peso en el compromiso, en diezmilésimas.",
            "Weight within the commitment, in ten-thousandths.",
        ),
        Column("claim", "string", "Nivel reportado para este mecanismo.", "Level reported for this mechanism."),
        Column("claim_by", "integer", "Asiento que lo reporta.", "Entry that reports it."),
        Column("inherited", "boolean", "Si se dijo de algo más amplio.", "Whether it was said of something wider."),
        Column(
            "best_grade",
            "integer",
            "Mejor grado (0 a 4) entre su evidencia.",
            "Best grade (0 to 4) among its evidence.",
        ),
        Column(
            "machine",
            "integer",
            "Ordinal (0 a 3) que el cómputo solo puede decir.",
            "Ordinal (0 to 3) that computation alone may say.",
        ),
        Column(
            "reached",
            "integer",
            "Ordinal (0 a 3) que vale, con los dictámenes.",
            "Ordinal (0 to 3) that counts, with the verdicts.",
        ),
        Column("items", "integer", "Cuántas piezas de evidencia.", "How many pieces of evidence."),
        Column("verdicts", "integer", "Cuántos dictámenes vigentes.", "How many verdicts in force."),
        Column(
            "flags",
            "string",
            "Señales, como no_means, recurring, evidence_newer.",
            "Flags, such as no_means, recurring, evidence_newer.",
            many=True,
        ),
        *_WHY,
        Column("index", "integer", "Asiento que lo definió.", "Entry that defined it."),
        Column(
            "printed", "boolean", "Si se copió de un informe impreso.", "Whether it was copied from a printed report."
        ),
    ),
)

LEVELS = Shape(
    "levels",
    ("Niveles por voz", "Levels by voice"),
    (
        "Una fila por compromiso y voz: reportado, lo que dan los asientos solos, cada evaluador, evidenciado.",
        "A row for each commitment and voice: reported, what the records alone give, each assessor, evidenced.",
    ),
    ("commitment", "voice"),
    (
        _COMMITMENT,
        Column(
            "voice",
            "string",
            "reported, records, evidenced, o la organización que evalúa.",
            "reported, records, evidenced, or the organisation that assesses.",
        ),
        Column("role", "string", "assessor o irm, si es un evaluador.", "assessor or irm, for an assessor."),
        Column(
            "level",
            "string",
            f"Nivel: {_SCALE}; vacío si no dice nada.",
            f"Level: {_SCALE}; empty where it says nothing.",
        ),
        Column("ordinal", "integer", "El mismo en la escala 0 a 3.", "The same on the scale 0 to 3."),
        Column(
            "source",
            "string",
            "De dónde sale: commitment o mechanisms (lo reportado), assessed o verdicts (evaluador), computed.",
            "Where it comes from: commitment or mechanisms (reported), assessed or verdicts (assessor), computed.",
        ),
        Column("entry", "integer", "Asiento que lo dice.", "Entry that says it."),
        Column("received_at", "dateTimeStamp", "Cuándo se recibió, UTC.", "When it was received, UTC."),
        Column("said_by", "string", "Quién lo dice.", "Who says it."),
        Column("reason", "string", "Por qué, en sus palabras.", "Why, in their words."),
        _LANG,
        Column(
            "printed", "boolean", "Si se copió de un informe impreso.", "Whether it was copied from a printed report."
        ),
        Column(
            "lens",
            "string",
            "Nivel que da la fórmula vista solo por esta voz.",
            "Level that the formula gives as seen by this voice alone.",
        ),
        Column("percent", "integer", "Porcentaje que lo acompaña.", "The percent beside it."),
        Column(
            "x1_bp",
            "integer",
            "Peso de los mecanismos que llegan a limitado, en diezmilésimas.",
            "Weight of the mechanisms that reach limited, in ten-thousandths.",
        ),
        Column("x2_bp", "integer", "Peso de los que llegan a sustancial.", "Weight of those that reach substantial."),
        Column("x3_bp", "integer", "Peso de los que llegan a completo.", "Weight of those that reach complete."),
        *_WHY,
    ),
)

GRADES = Shape(
    "grades",
    ("Grados de la evidencia", "Grades of evidence"),
    (
        "Una fila por pieza de evidencia y mecanismo, con el grado y las reglas que lo dieron.",
        "A row for each piece of evidence and mechanism, with the grade and the rules that gave it.",
    ),
    ("link", "mechanism"),
    (
        _COMMITMENT,
        _MECHANISM,
        Column("link", "integer", "Asiento que enlazó la evidencia.", "Entry that linked the evidence."),
        Column("grade", "integer", "Grado, de 0 a 4.", "Grade, from 0 to 4."),
        Column("digest", "string", "SHA-256 de los mejores bytes capturados.", "SHA-256 of the best bytes captured."),
        Column(
            "marks",
            "string",
            "Señales, como own_page, shared, disputed, gone.",
            "Marks, such as own_page, shared, disputed, gone.",
            many=True,
        ),
        *_WHY,
    ),
)

REASONS = Shape(
    "reasons",
    ("Razones", "Reasons"),
    (
        "Una fila por regla que actuó: por qué cada nivel, mecanismo, grado y dictamen es lo que es.",
        "A row for each rule that acted: why each level, mechanism, grade and verdict is what it is.",
    ),
    ("commitment", "of", "mechanism", "link", "verdict", "place"),
    (
        _COMMITMENT,
        Column(
            "of",
            "string",
            "De qué es la razón: level, mechanism, grade, verdict.",
            "What it is a reason for: level, mechanism, grade, verdict.",
        ),
        _MECHANISM,
        Column("link", "integer", "Asiento de la evidencia, si es de un grado.", "Entry of the evidence, for a grade."),
        Column("verdict", "integer", "Asiento del dictamen, si es de uno.", "Entry of the verdict, for one."),
        Column(
            "place", "integer", "Orden entre las razones de lo mismo.", "Place among the reasons for the same thing."
        ),
        Column(
            "rule",
            "string",
            "La regla: un nombre de la página de metodología.",
            "The rule: a name of the methodology page.",
        ),
        Column("entries", "integer", "Los asientos que la dispararon.", "The entries that fired it.", many=True),
    ),
)

_LINK = Column("link", "integer", "Asiento que enlazó la evidencia.", "Entry that linked the evidence.")

EVIDENCE = Shape(
    "evidence",
    ("Evidencia enlazada", "Evidence linked"),
    (
        "Una fila por pieza de evidencia, también las retiradas.",
        "A row for each piece of evidence, withdrawn ones too.",
    ),
    ("index",),
    (
        *_SAID,
        Column(
            "for",
            "string",
            "Los mecanismos para los que se enlazó.",
            "The mechanisms that it was linked for.",
            many=True,
        ),
        Column(
            "commitments",
            "string",
            "Los compromisos de esos mecanismos.",
            "The commitments of these mechanisms.",
            many=True,
        ),
        Column("url", "anyURI", "Dirección.", "Address."),
        Column("upload", "string", "SHA-256 del archivo, si se subió.", "SHA-256 of the file, if it was uploaded."),
        Column("title", "string", "Título.", "Title."),
        _LANG,
        Column(
            "evidence_type",
            "string",
            "Tipo: document, page, statistic, dataset, log, minutes, press, law, image, other.",
            "Type: document, page, statistic, dataset, log, minutes, press, law, image, other.",
        ),
        *_date_columns("dated", "De cuándo dice ser.", "Of when it says it is."),
        Column("publisher", "string", "Quién la publica.", "Who publishes it."),
        Column("shows", "string", "Qué muestra, según quien la enlaza.", "What it shows, as whoever links it says."),
        Column(
            "requests",
            "integer",
            "Asientos de las solicitudes a las que responde.",
            "Entries of the requests that it answers.",
            many=True,
        ),
        Column(
            "best_grade",
            "integer",
            "Su mejor grado (0 a 4) entre los mecanismos.",
            "Its best grade (0 to 4) among mechanisms.",
        ),
        Column("captures", "integer", "Cuántas veces se capturó.", "How often it was captured."),
        Column(
            "last_seen",
            "string",
            "Qué vio la última revisión: alive, changed, gone, blocked, unsure.",
            "What the last check saw: alive, changed, gone, blocked, unsure.",
        ),
    ),
)

CAPTURES = Shape(
    "captures",
    ("Capturas", "Captures"),
    ("Una fila por captura de una pieza de evidencia.", "A row for each capture of a piece of evidence."),
    ("index",),
    (
        *_SAID,
        _LINK,
        Column("digest", "string", "SHA-256 de los bytes.", "SHA-256 of the bytes."),
        Column("size", "integer", "Cuántos bytes.", "How many bytes."),
        Column("media_type", "string", "Tipo de contenido.", "Media type."),
        Column("http_status", "integer", "Respuesta HTTP.", "HTTP status."),
        Column(
            "method",
            "string",
            "Cómo: direct, archive (de un archivo web), upload.",
            "How: direct, archive (from a web archive), upload.",
        ),
        Column("final_url", "anyURI", "Dirección a la que llevó.", "Address that it led to."),
        Column(
            "captured_at",
            "dateTimeStamp",
            "Cuándo dice que la capturó, UTC.",
            "When it says that it was captured, UTC.",
        ),
    ),
)

CHECKS = Shape(
    "checks",
    ("Revisiones", "Checks"),
    (
        "Una fila por cada vez que alguien volvió a mirar un enlace.",
        "A row for each time somebody looked at a link again.",
    ),
    ("index",),
    (
        *_SAID,
        _LINK,
        Column(
            "seen",
            "string",
            "Qué vio: alive (igual), changed, gone, blocked, unsure.",
            "What it saw: alive (the same), changed, gone, blocked, unsure.",
        ),
        Column("digest", "string", "SHA-256 de lo que vio.", "SHA-256 of what it saw."),
        Column("checked_at", "dateTimeStamp", "Cuándo dice que miró, UTC.", "When it says that it looked, UTC."),
    ),
)

DISPUTES = Shape(
    "disputes",
    ("Disputas", "Disputes"),
    (
        "Una fila por disputa de una pieza de evidencia, con su plazo y cómo terminó.",
        "A row for each dispute of a piece of evidence, with its clock and how it ended.",
    ),
    ("index",),
    (
        *_SAID,
        _LINK,
        _MECHANISM,
        _COMMITMENT,
        Column(
            "objection",
            "string",
            "Qué se objeta: absent, not_relevant, contradicts, not_theirs, before_plan, altered.",
            "What is objected: absent, not_relevant, contradicts, not_theirs, before_plan, altered.",
        ),
        *_WORDS,
        Column(
            "state",
            "string",
            "questioned (sin admitir), declined, open, answered, unanswered (venció el plazo), resolved, withdrawn.",
            "questioned (not admitted), declined, open, answered, unanswered (time is over), resolved, withdrawn.",
        ),
        Column("admitted", "integer", "Asiento por el que cuenta.", "Entry by which it counts."),
        Column(
            "screened",
            "integer",
            "Asiento que la examinó, si es de una persona.",
            "Entry that screened it, for a citizen's.",
        ),
        Column("answer_due", "date", "Hasta cuándo se debe la respuesta.", "By when the answer is due."),
        Column("answered", "integer", "Asiento de la primera respuesta.", "Entry of the first answer."),
        Column("answered_at", "dateTimeStamp", "Cuándo llegó, UTC.", "When it came, UTC."),
        Column("resolution", "string", "upheld (procede), partly, rejected (no procede).", "upheld, partly, rejected."),
        Column("resolved", "integer", "Asiento que la resolvió.", "Entry that resolved it."),
    ),
)

REQUESTS = Shape(
    "requests",
    ("Solicitudes de evidencia", "Requests for evidence"),
    (
        "Una fila por solicitud de evidencia de un evaluador a una institución.",
        "A row for each request for evidence by an assessor to an institution.",
    ),
    ("index",),
    (
        *_SAID,
        Column("institution", "string", "A quién se pide.", "Who is asked."),
        _MECHANISM,
        _COMMITMENT,
        *_WORDS,
        *_date_columns("due", "Para cuándo.", "By when."),
        Column("answered", "integer", "Asiento de la primera respuesta.", "Entry of the first answer."),
        Column("answered_at", "dateTimeStamp", "Cuándo llegó, UTC.", "When it came, UTC."),
        Column(
            "links",
            "integer",
            "Asientos de la evidencia enlazada en respuesta.",
            "Entries of the evidence linked in answer.",
            many=True,
        ),
        Column(
            "overdue", "boolean", "Si el plazo pasó sin respuesta.", "Whether its day has passed without an answer."
        ),
    ),
)

VERDICTS = Shape(
    "verdicts",
    ("Dictámenes", "Verdicts"),
    (
        "Una fila por dictamen de un evaluador sobre un mecanismo, con lo que leyó y por qué.",
        "A row for each verdict of an assessor on a mechanism, with what was read and why.",
    ),
    ("index",),
    (
        *_SAID,
        _MECHANISM,
        _COMMITMENT,
        Column("level", "string", f"Nivel: {_SCALE}.", f"Level: {_SCALE}."),
        Column("ordinal", "integer", "El mismo en la escala 0 a 3.", "The same on the scale 0 to 3."),
        Column("digests", "string", "SHA-256 de lo que se leyó.", "SHA-256 of what was read.", many=True),
        *_WORDS,
        Column(
            "state",
            "string",
            "in_force (vigente), suspended, lapsed, void, withdrawn, replaced.",
            "in_force, suspended, lapsed, void, withdrawn, replaced.",
        ),
        *_WHY,
    ),
)

ASSESSED_LEVELS = Shape(
    "assessed_levels",
    ("Niveles evaluados", "Assessed levels"),
    (
        "Una fila por cada vez que otro cuerpo dijo hasta dónde llega un compromiso.",
        "A row for each time another body said how far a commitment is.",
    ),
    ("index",),
    (
        *_SAID,
        _COMMITMENT,
        Column("level", "string", f"Nivel: {_SCALE}.", f"Level: {_SCALE}."),
        Column("ordinal", "integer", "El mismo en la escala 0 a 3.", "The same on the scale 0 to 3."),
        Column("reason", "string", "Por qué, en sus palabras.", "Why, in their words."),
        _LANG,
        Column(
            "evidence",
            "integer",
            "Asientos de la evidencia que cita.",
            "Entries of the evidence that it cites.",
            many=True,
        ),
        Column("assessment", "string", "Evaluación de la que es parte.", "Assessment that it is part of."),
        Column(
            "in_force", "boolean", "Si es la que vale de su autor.", "Whether it is the one of its author that counts."
        ),
    ),
)

CODINGS = Shape(
    "codings",
    ("Codificación", "Codings"),
    (
        "Una fila por cada código que un evaluador dio: verificabilidad, relevancia, ambición, primeros resultados.",
        "A row for each code that an assessor gave: verifiability, relevance, ambition, early results.",
    ),
    ("index",),
    (
        *_SAID,
        _COMMITMENT,
        Column(
            "aspect",
            "string",
            "verifiability, relevance, ambition, early_results.",
            "verifiability, relevance, ambition, early_results.",
        ),
        Column(
            "code", "string", "El código, de la lista de la metodología.", "The code, from the list of the methodology."
        ),
        *_WORDS,
        Column(
            "in_force", "boolean", "Si es el que vale de su autor.", "Whether it is the one of its author that counts."
        ),
    ),
)

DISAGREEMENT = Shape(
    "disagreement",
    ("Matriz de desacuerdo", "Disagreement matrix"),
    (
        "Una fila por par de voces: en cuántos compromisos difieren, y cuál pone más.",
        "A row for each pair of voices: on how many commitments they differ, and which one says more.",
    ),
    ("a", "b"),
    (
        Column(
            "a",
            "string",
            "Una voz: reported, evidenced, o una organización.",
            "A voice: reported, evidenced, or an organisation.",
        ),
        Column("b", "string", "La otra.", "The other."),
        Column(
            "compared",
            "integer",
            "Compromisos en que ambas tienen un nivel.",
            "Commitments on which both have a level.",
        ),
        Column("differ", "integer", "En cuántos difieren.", "On how many they differ."),
        Column("a_above", "integer", "En cuántos la primera dice más.", "On how many the first says more."),
        Column("b_above", "integer", "En cuántos la segunda dice más.", "On how many the second says more."),
        Column(
            "sum_abs",
            "integer",
            "Suma de las diferencias, en pasos de la escala.",
            "Sum of the differences, in steps of the scale.",
        ),
    ),
)

TALLIES = Shape(
    "tallies",
    ("Conteos por nivel", "Counts by level"),
    (
        "Una fila por voz y nivel: cuántos compromisos, por quién los propuso.",
        "A row for each voice and level: how many commitments, by who proposed them.",
    ),
    ("voice", "level"),
    (
        Column(
            "voice",
            "string",
            "reported, records, evidenced, o la organización que evalúa.",
            "reported, records, evidenced, or the organisation that assesses.",
        ),
        Column(
            "level",
            "string",
            f"Nivel: {_SCALE}; none si no dijo nada.",
            f"Level: {_SCALE}; none where it said nothing.",
        ),
        Column("government", "integer", "De los propuestos por el gobierno.", "Of those proposed by the government."),
        Column(
            "civil_society",
            "integer",
            "De los propuestos por la sociedad civil.",
            "Of those proposed by civil society.",
        ),
        Column("commitments", "integer", "De todos.", "Of all."),
        Column("out_of", "integer", "Compromisos del plan.", "Commitments of the plan."),
    ),
)

CLAIMS = Shape(
    "claims",
    ("Cifras publicadas y calculadas", "Figures published and computed"),
    (
        "Una fila por cifra que un informe publicó, junto a la que da el registro. Nada se corrige.",
        "A row for each figure that a report published, beside what the record gives. Nothing is corrected.",
    ),
    ("report", "version", "claim"),
    (
        Column("report", "string", "Informe.", "Report."),
        Column("version", "integer", "Versión del informe.", "Version of the report."),
        Column("claim", "integer", "Número de la cifra en el informe.", "Number of the figure in the report."),
        Column("report_form", "string", "Qué informe es.", "What report it is."),
        Column("actor", "string", "Quién lo publica.", "Who publishes it."),
        Column("measure", "string", "Qué se cuenta.", "What is counted."),
        Column("level", "string", "Solo de este nivel.", "Of this level alone."),
        Column("proposer", "string", "Solo de lo propuesto por.", "Of what was proposed by this side alone."),
        Column("institution", "string", "Solo de esta institución.", "Of this institution alone."),
        Column("round", "string", "Solo de esta consulta.", "Of this consultation alone."),
        Column("claimed", "integer", "La cifra publicada.", "The figure published."),
        Column("out_of", "integer", "De cuántos, según el informe.", "Of how many, as the report says."),
        Column("computed", "integer", "La que da el registro.", "What the record gives."),
        Column("difference", "integer", "Publicada menos calculada.", "Published minus computed."),
        Column(
            "verdict",
            "string",
            "exact, truncated, differs, not_computable.",
            "exact, truncated, differs, not_computable.",
        ),
        Column(
            "members",
            "string",
            "Los compromisos detrás de la calculada.",
            "The commitments behind the computed one.",
            many=True,
        ),
        Column(
            "tree_size",
            "integer",
            "Tamaño del registro con el que se calcula.",
            "Size of the record that it is computed at.",
        ),
        Column("index", "integer", "Asiento del informe.", "Entry of the report."),
        Column(
            "printed", "boolean", "Si se copió de un informe impreso.", "Whether it was copied from a printed report."
        ),
    ),
)

FIGURES = Shape(
    "figures",
    ("Cifras medidas", "Figures measured"),
    (
        "Una fila por valor medido de un indicador.",
        "A row for each value measured of an indicator.",
    ),
    ("index", "indicator", "part"),
    (
        Column("indicator", "string", "Indicador.", "Indicator."),
        Column("subject", "string", "De qué compromiso o mecanismo.", "Of which commitment or mechanism."),
        Column("title", "string", "Título del indicador.", "Title of the indicator."),
        _LANG,
        Column("unit", "string", "Unidad.", "Unit."),
        Column(
            "decimals",
            "integer",
            "Decimales: el valor se divide entre 10 elevado a ellos.",
            "Decimals: the value is divided by 10 to their power.",
        ),
        Column("part", "string", "Parte, si se mide por partes.", "Part, where it is measured in parts."),
        Column("part_title", "string", "Título de la parte.", "Title of the part."),
        Column("value", "integer", "Valor, sin punto decimal.", "Value, without the decimal point."),
        Column("out_of", "integer", "De cuántos.", "Of how many."),
        *_date_columns("as_of", "A qué fecha.", "As of which date."),
        *_date_columns("first_day", "Desde cuándo.", "From when."),
        *_date_columns("last_day", "Hasta cuándo.", "Until when."),
        Column("index", "integer", "Asiento que lo midió.", "Entry that measured it."),
        Column(
            "printed", "boolean", "Si se copió de un informe impreso.", "Whether it was copied from a printed report."
        ),
    ),
)

MEETINGS = Shape(
    "meetings",
    ("Reuniones", "Meetings"),
    ("Una fila por reunión convocada.", "A row for each meeting convened."),
    ("meeting",),
    (
        Column("meeting", "string", "Identificador de la reunión.", "Identifier of the meeting."),
        Column("meeting_form", "string", "Qué reunión es.", "What meeting it is."),
        Column("number", "integer", "Número, si lo tiene.", "Number, if it has one."),
        Column(
            "starts",
            "date",
            "Día, o primer día del lapso, según el reloj del registro.",
            "Day, or first day of the span, by the ledger's own clock.",
        ),
        Column("starts_precision", "string", "time, day, month, year, none.", "time, day, month, year, none."),
        Column("starts_at", "dateTimeStamp", "La hora, si se dijo, UTC.", "The time, if it was said, UTC."),
        Column("place", "string", "Lugar.", "Place."),
        _LANG,
        Column("invited", "string", "Quiénes fueron convocados.", "Who was summoned.", many=True),
        Column("agenda", "json", "Puntos de la agenda.", "Points of the agenda."),
        Column("present", "string", "Qué entidades asistieron.", "Which bodies were present.", many=True),
        Column("attendance", "integer", "Asiento de la asistencia.", "Entry of the attendance."),
        Column("remarks", "integer", "Cuántas intervenciones quedaron registradas.", "How many remarks are on record."),
        Column("minutes", "string", "SHA-256 del acta.", "SHA-256 of the minutes."),
        Column("minutes_by", "integer", "Asiento que la aprobó.", "Entry that approved them."),
        Column("approved_by", "string", "Quiénes la aprobaron.", "Who approved them.", many=True),
        Column("index", "integer", "Asiento que la convocó.", "Entry that convened it."),
        Column(
            "printed", "boolean", "Si se copió de un informe impreso.", "Whether it was copied from a printed report."
        ),
    ),
)

ANOMALIES = Shape(
    "anomalies",
    ("Hallazgos", "Anomalies"),
    (
        "Una fila por hallazgo que el registro muestra: una regla, sus cifras y los asientos que la prueban.",
        "A row for each anomaly that the record shows: a named rule, its figures and the entries that prove it.",
    ),
    ("number",),
    (
        Column("number", "integer", "Número, en el orden de las reglas.", "Its number, in the order of rules."),
        Column(
            "rule", "string", "La regla: un nombre de la página de hallazgos.", "The rule: a name of the findings page."
        ),
        Column("commitments", "string", "Los compromisos de los que trata.", "The commitments it is about.", many=True),
        Column(
            "institutions", "string", "Las instituciones que responden.", "The institutions that answer.", many=True
        ),
        Column(
            "subject",
            "string",
            "Lo que no es compromiso: un informe, una consulta, una dirección.",
            "What is no commitment: a report, a consultation, an address.",
        ),
        Column("figures", "json", "Cifras de la regla, como nombre=valor.", "Figures of the rule, as name=value."),
        Column("dates", "json", "Fechas de la regla, como nombre=día.", "Dates of the rule, as name=day."),
        Column("codes", "json", "Códigos de la regla, como nombre=código.", "Codes of the rule, as name=code."),
        Column(
            "texts", "json", "Textos que se repiten, como compromiso campo.", "Texts repeated, as commitment field."
        ),
        Column("entries", "integer", "Los asientos que lo prueban.", "The entries that prove it.", many=True),
    ),
)
