"""What a refusal found, in Spanish: the sentences of `ledger` and `consultation`, which speak English, turned round.

A refusal has a code and a rule, which are for ever, and a `detail` with the case at hand, which is not. Those that
people meet are here as patterns; the parts between backticks, numbers and names stay as they are. A sentence that has
no pattern stays in English: it is better than none.
"""

import re
from collections.abc import Mapping
from functools import cache

# What was found -> the same in Spanish. `{}` stands for what is quoted, and keeps its order.
SENTENCES: Mapping[str, str] = {
    # The shape of a statement (ledger.statement, ledger.vocabulary)
    "Object contains unknown field {}": "no hay ningún campo {}",
    "Object missing required field {}": "falta el campo {}",
    "the field {} is missing (only a printed statement may lack it)": "falta el campo {}",
    "Expected {}, got {}": "se esperaba {}, y hay {}",
    "Expected {} of length >= {}": "es demasiado corto: se esperaba {} de largo {} o más",
    "Expected {} of length <= {}": "es demasiado largo: se esperaba {} de largo {} o menos",
    "Expected {} >= {}": "es demasiado pequeño: se esperaba {} de {} o más",
    "Expected {} <= {}": "es demasiado grande: se esperaba {} de {} o menos",
    "Invalid enum value {}": "{} no es uno de los valores que se admiten",
    "Invalid value {}": "no hay ninguna clase {}",
    "not of the form of its type": "no tiene la forma de su tipo",
    "not a short name: lower-case letters, digits and hyphens, at most 64, such as {}": "no es un nombre corto: "
    "minúsculas, dígitos y guiones, a lo sumo 64, como {}",
    "not a commitment id such as {}": "no es un compromiso, que se escribe como {}",
    "not a mechanism id such as {}": "no es un mecanismo, que se escribe como {}",
    "not a commitment or mechanism id such as {}": "no es un compromiso ni un mecanismo, que se escriben como {}",
    "not 64 lower-case hexadecimal digits": "no son 64 dígitos hexadecimales en minúscula",
    "a text needs a character that is not a space": "un texto lleva algo más que espacios",
    "not a time that exists, of the form {}": "no es una hora que exista, de la forma {}",
    "not a day that exists, of the form {}": "no es un día que exista, de la forma {}",
    "not an http:// or https:// address in printable ASCII (others percent-encoded)": "no es una dirección http:// o "
    "https:// en ASCII (lo demás va codificado con %)",
    "words are either {} or {}": "las palabras van en {} o en {}, en uno de los dos",
    "a date has a {} if and only if its precision is not {}": "una fecha lleva {} salvo que su precisión sea {}",
    "the {} of a {} is its first day": "el {} de un {} es su primer día",
    "{} names one key twice": "{} nombra una llave dos veces",
    "{} holds the same member twice": "{} lleva dos veces lo mismo",
    "evidence has exactly one of {} and {}": "la evidencia lleva exactamente uno de {} y {}",
    "a rejection gives its reason in {}": "un rechazo da sus razones en {}",
    "{}: a {} has no actor": "{}: un {} no lleva entidad",
    "{}: a {} names its actor": "{}: un {} nombra su entidad",
    # Signers, keys and roles
    "a citizen signs alone": "un ciudadano firma solo",
    "the importer signs alone": "el importador firma solo",
    "the importer may not state {}: who did it says it": "el importador no puede declarar {}: lo dice quien lo hizo",
    "{} is signed by {}; {} may not sign it": "{} lo firma {}; {} no puede firmarlo",
    "{} is signed by {}, and not by {}": "{} lo firma {}, y no {}",
    "this is for the ledger {}, and this ledger is {}": "es para el registro {}, y este es {}",
    "signed for {}, and this ledger is {}": "se firmó para {}, y este registro es {}",
    "the grant of {} to {} is not in force at this time": "el papel {} de {} no está vigente a esta hora",
    "the grant of {} to {} does not cover {}": "el papel {} de {} no cubre {}",
    "the grant of {} to {} was ended by entry {}": "el papel {} de {} se terminó en el asiento {}",
    "{} holds no grant of the role {}": "{} no tiene el papel {}",
    "{} is not enrolled for {}: ask two registrars to enrol it": "{} no está inscrita a nombre de {}: la inscriben dos "
    "registradores",
    "the key {} of {} was revoked by entry {}": "la llave {} de {} fue revocada por el asiento {}",
    "the key {} of {} gave way to another by entry {}": "la llave {} de {} dio paso a otra en el asiento {}",
    "the key {} of {} is not in force yet": "la llave {} de {} todavía no está vigente",
    "the key {} of {} has expired": "la llave {} de {} ya venció",
    "both registrars are of {}: two organisations must sign": "los dos registradores son de {}: firman dos entidades",
    "one of the two registrars must be of form organisation (civil society)": "uno de los dos registradores es de la "
    "sociedad civil (forma organisation)",
    "{} speaks for itself, and this is about {}": "{} habla por sí misma, y esto es sobre {}",
    "this was not addressed to {}: the coordinator answers it": "no se dirigió a {}: responde la coordinación",
    "this key belongs to an actor, the log, a witness or the recovery; a citizen uses a fresh one": "esta llave es de "
    "una entidad, del registro, de un testigo o de recuperación; un ciudadano usa una nueva",
    "a citizen's words are given by their salted digest, never in the open": "las palabras de un ciudadano van con "
    'sal: {"salted_digest": {"$content": {"text": "…"}}}',
    "the key {} is no recovery key of this ledger": "la llave {} no es de recuperación de este registro",
    "{} recovery keys sign, and it takes {}": "firman {} llaves de recuperación, y hacen falta {}",
    "the holder's line is of the key that is enrolled, for its actor": "la última firma es la de la llave que se "
    "inscribe, como titular de su entidad",
    "the first line is of the key that ends, for its actor": "la primera firma es la de la llave que termina, como "
    "titular de su entidad",
    "the key was enrolled before, for {}": "la llave ya estuvo inscrita, a nombre de {}",
    "the key is the log's, a witness's, or for recovery": "la llave es del registro, de un testigo o de recuperación",
    "the key of {} is known already, as a witness's or another": "la llave de {} ya se conoce, de un testigo o de otro",
    "the key was revoked by entry {}": "la llave fue revocada por el asiento {}",
    "the key gave way to another by entry {}": "la llave dio paso a otra en el asiento {}",
    "without it no two registrars of different organisations would be left": "así no quedarían dos registradores de "
    "organizaciones distintas",
    "the grant is not of {}; its holder ends it, or two registrars": "el papel no es de {}: lo termina su titular, o "
    "dos registradores",
    "the founding made several registrars: each ends their own role, or the recovery replaces them": "la fundación "
    "hizo varios registradores: cada uno termina su papel, o lo reemplaza la recuperación",
    "the grant was ended by entry {}": "el papel se terminó en el asiento {}",
    "{} is no registrar, so nobody can take its place": "{} no es registrador: nadie puede tomar su lugar",
    "the registrars would be of fewer than three organisations": "los registradores serían de menos de tres entidades",
    "no registrar would be of form organisation (civil society)": "ningún registrador sería de la sociedad civil "
    "(forma organisation)",
    "the key {} is not the log's now": "la llave {} no es ahora la del registro",
    "the log does not hold the key {}: its operator makes it with {}": "el registro no tiene la llave {}: la hace "
    "quien lo opera, con {}",
    "the next version of the rulebook is {}": "la versión que sigue del reglamento es {}",
    "this software knows the rulebook up to version {}, and not {}": "este programa conoce el reglamento hasta la "
    "versión {}, y no la {}",
    "{} comes after this entry, which would be {}": "{} viene después de este asiento, que sería el {}",
    # What is named
    "no plan {} is registered": "no hay ningún plan {} en el registro",
    "no axis {} is defined in {}": "no hay ningún eje {} en {}",
    "no commitment {} is registered": "no hay ningún compromiso {} en el registro",
    "no mechanism {} is defined": "no hay ningún mecanismo {}",
    "no {} {} is registered in {}": "no hay {} {} en {}",
    "{}: no statement {} is registered": "{}: no hay ninguna declaración {} en el registro",
    "{}: no actor {} is registered; two registrars can register it": "{}: no hay ninguna entidad {}; la inscriben dos "
    "registradores",
    "{} names a {} (entry {}); it takes {}": "{} nombra {} (asiento {}); se espera {}",
    "{} names entry {}, which is of {}; this has no {}": "{} nombra el asiento {}, que es de {}; a esta le falta {}",
    "{} names entry {}, which is of {}; this is of {}": "{} nombra el asiento {}, que es de {}; esta es de {}",
    "{} names entry {}, which was withdrawn": "{} nombra el asiento {}, que fue retirado",
    "{} {} is not in the plan {}": "{} {} no está en el plan {}",
    "the {} {} is registered already": "{} {} ya está en el registro",
    "{} is registered already": "{} ya está en el registro",
    "{} is defined already": "{} ya está definido",
    "the item {} of this source is registered as {} already": "lo impreso en {} ya está en el registro, como {}",
    "the importer's grant does not name the source {}": "el papel del importador no cubre la fuente {}",
    "{} has itself stated {} in {}; the print is silent now": "{} ya declaró {} en {} por sí misma; lo impreso calla",
    # Times and states
    "said at {}, more than 5 minutes after it was received": "dicha a las {}, más de 5 minutos después de recibirse",
    "said at {}, more than {} days before it was received": "dicha a las {}, más de {} días antes de recibirse",
    "said before what the same signer last stated as {} in {}": "dicha antes de lo último que la misma firma declaró "
    "como {} en {}",
    "the round has not opened yet": "la consulta todavía no se abre",
    "the round has closed": "la consulta ya se cerró",
    "the round has closed, and the time for late comments is over": "la consulta ya se cerró, también para comentarios "
    "tardíos",
    "the document has no part {}": "el documento no tiene ninguna parte {}",
    "version {} of this round's document was not published": "de este documento no se publicó la versión {}",
    "this round is a printed one of the past: only the importer adds its comments": "es una consulta del pasado, como "
    "está impresa: solo el importador le añade comentarios",
    "{} is for assessors to say": "{} lo dicen solo quienes evalúan",
    "{} is reported complete: {} comes first": "{} está reportado como completo: primero va {}",
    "a date that was set is moved with a reason": "una fecha fijada se cambia con una razón, en `reason`",
    "offices and programs have an {}, institutions and organisations have none": "oficinas y programas llevan {}; "
    "instituciones y organizaciones, no",
    "an importer's grant has {} and {}": "el papel de importador lleva {} y {}",
    "{} is or was responsible for {}": "{} responde o respondió por {}",
    "{} opened this dispute": "{} presentó esta objeción",
    "{} is responsible for {}: ask there": "{} responde por {}: pídalo ahí",
    "no bytes {} were captured for {}": "de {} no se capturó ningún archivo para {}",
    "the evidence is not linked for {}": "la evidencia no está enlazada con {}",
    "this evidence is not linked for {}": "esta evidencia no está enlazada con {}",
    "entry {} asks for evidence on {}": "el asiento {} pide evidencia de {}",
    "entry {} is linked for none of these commitments": "el asiento {} no está enlazado con "
    "ninguno de esos compromisos",
    "each commitment says once what it takes": "cada compromiso dice una sola vez qué toma",
    "a citizen's dispute is screened, once; this one is {}": "se examina la objeción de un ciudadano, una vez; esta "
    "está {}",
    "an admitted dispute is resolved, once; this one is {}": "se resuelve una objeción admitida, una vez; esta está {}",
    "the assessment {} is opened already": "la evaluación {} ya está abierta",
    "the assessment {} is closed": "la evaluación {} está cerrada",
    "{} is the assessment of {}": "{} es la evaluación de {}",
    "{} is not about {}": "{} no trata de {}",
    "{} has no code {}; it has {}": "{} no tiene el código {}; tiene {}",
    "no methodology is in force, so there are no codes": "no hay metodología vigente, y por eso no hay códigos",
    "{} {} is more than the {} entries so far": "{} {} es más que los {} asientos que hay",
    "{} is no mechanism of {}": "{} no es un mecanismo de {}",
}

# What a sentence quotes: something in backticks or quotation marks, a number, a name with its own marks, or words.
_QUOTED = r"(`[^`]*`|'[^']*'|.+?)"


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(_QUOTED.join(map(re.escape, english.split("{}")))), spanish)
        for english, spanish in sorted(SENTENCES.items(), key=lambda pair: -len(pair[0].replace("{}", "")))
    ]


def in_spanish(detail: str) -> str:
    """The detail of a refusal in Spanish, or as it is where no sentence is known for it."""
    place, colon, rest = detail.partition(": ")
    if colon and re.fullmatch(r"`[^`]+`", place) and (found := _turned(rest)):
        return f"{place}: {found}"
    return _turned(detail) or detail


def _turned(sentence: str) -> str:
    for pattern, spanish in _patterns():
        if match := pattern.fullmatch(sentence):
            quoted = iter(match.groups())
            return re.sub(r"\{\}", lambda _, quoted=quoted: next(quoted), spanish)
    return ""
