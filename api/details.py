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
    # The founding, keys and grants
    "received before the entry that precedes it": "se recibió antes que el asiento anterior",
    "a ledger is opened once, by its first entry": "un registro se abre una sola vez, con su primer asiento",
    "this statement is entry {} already": "esta declaración ya es el asiento {}",
    "only the importer states what was printed; leave {} out": "solo el importador declara lo impreso: quite {}",
    "the importer says where each statement is printed, in {}": "el importador dice dónde está impresa cada "
    "declaración, en {}",
    "the key to revoke is not enrolled": "la llave que se revoca no está inscrita",
    "the key {}: {}": "la llave {}: {}",
    "{} {} is not the line it stands under": "{} dice {}, y no es la línea bajo la que está",
    "rulebook {} is not known; this software knows {}": "el reglamento {} no se conoce; este programa conoce hasta "
    "el {}",
    "the signers are the registrars that it names, in that order": "firman los registradores que nombra, en ese orden",
    "actors and keys at the founding are all different": "en la fundación no se repite ninguna entidad ni llave",
    "{}: offices and programs have an {}, others have none": "{}: oficinas y programas llevan {}; los demás, no",
    "{} is of no registered institution or organisation": "{} no es de ninguna institución u organización inscrita",
    "the registrars are of fewer than three organisations": "los registradores son de menos de tres entidades",
    "no registrar is of form organisation (civil society)": "ningún registrador es de la sociedad civil (forma "
    "organisation)",
    "{}: no institution or organisation {} is registered": "{}: no hay ninguna institución u organización {}",
    "{} is not after {}": "{} no viene después de {}",
    "the key is of {}; its holder signs, or two registrars": "la llave es de {}: firma su titular, o dos registradores",
    "beside two registrars the holder signs with another key": "junto a dos registradores, el titular firma con otra "
    "llave",
    "{} goes with the cause {} only": "{} solo va con la causa {}",
    "{} is after the revocation itself": "{} es posterior a la revocación misma",
    "{} more than 30 days back needs two registrars and another key of the holder": "{} de hace más de 30 días pide "
    "dos registradores y otra llave del titular",
    "{} is nobody's to grant": "{} no lo otorga nadie",
    "only an importer's grant has {}": "solo el papel de importador lleva {}",
    "a registrar's grant names no plan": "el papel de registrador no nombra ningún plan",
    "{}, of the same organisation, is {} in the same plan and time": "{}, de la misma organización, es {} en el "
    "mismo plan y tiempo",
    "{} is registered as {}": "{} está inscrita como {}",
    "{} is a key that signs notes; a witness's cosigns (type 04 or 06)": "{} es una llave que firma notas; la de un "
    "testigo cofirma (tipo 04 o 06)",
    # Plans, commitments and mechanisms
    "the next version of the methodology is {}": "la versión que sigue de la metodología es la {}",
    "a methodology is in force from its registration at the earliest": "una metodología rige, lo más pronto, desde "
    "que se registra",
    "{} is not an institution": "{} no es una institución",
    "{} is the implicit mechanism; numbered ones start at {}": "{} es el mecanismo implícito; los numerados empiezan "
    "en {}",
    "a recurring mechanism has {}": "un mecanismo que se repite lleva {}",
    "{} is implicit and has no text of its own: define numbered mechanisms": "{} es implícito y no tiene texto: "
    "defina mecanismos numerados",
    "no mechanism {} is defined; it has numbered mechanisms": "no hay ningún mecanismo {}: el compromiso tiene "
    "mecanismos numerados",
    "no agreement {} is recorded": "no consta ningún acuerdo {}",
    "each mechanism has one weight: {}": "cada mecanismo tiene un solo peso: {}",
    "the weights sum up to {}, and not to {}": "los pesos suman {}, y no {}",
    "a level was reported on this commitment: an assessor or the IRM must sign beside the coordinator": "de este "
    "compromiso ya se reportó un nivel: junto a la coordinación firma un evaluador o el IRM",
    "{} is not reported complete, so there is nothing to reopen": "{} no está reportado como completo: no hay qué "
    "reabrir",
    "no indicator {} is defined in {}": "no hay ningún indicador {} en {}",
    "the indicator has no parts: one value, without a part": "el indicador no tiene partes: un solo valor, sin parte",
    "the parts of the indicator are {}, each at most once": "las partes del indicador son {}, cada una a lo sumo una "
    "vez",
    "the report {} is of the plan {}": "el informe {} es del plan {}",
    "version {} of {} is published already": "la versión {} de {} ya está publicada",
    "{} is published by {}": "{} lo publica {}",
    "methodology {}: the last version adopted is {}": "metodología {}: la última que se adoptó es la {}",
    "methodology {}: no methodology is adopted": "metodología {}: no se ha adoptado ninguna",
    # Consultations, comments and moderation
    "the round {} is opened already": "la consulta {} ya está abierta",
    "the round has closed: it is extended before its close, or not at all": "la consulta ya se cerró: se prorroga "
    "antes del cierre, o ya no",
    "the new close is not later than the one that stands": "el nuevo cierre no es posterior al vigente",
    "the round is still open: its comments are counted after its close": "la consulta sigue abierta: sus comentarios "
    "se cuentan tras el cierre",
    "the next version of this round's document is {}": "la versión que sigue del documento de esta consulta es la {}",
    "comments printed in a report are the importer's, and its only ones": "los comentarios impresos en un informe "
    "los declara el importador, y él no declara otros",
    "a comment from the web form has a {}, and a program as its transcriber": "un comentario del formulario lleva "
    "{}, y lo transcribe un programa",
    "the web form has a transcriber of its own, for this channel alone": "el formulario tiene quien lo transcriba, y "
    "solo para este canal",
    "a reply stays in the round of the comment it answers": "una réplica queda en la consulta del comentario que "
    "contesta",
    "nobody endorses their own comment": "nadie apoya su propio comentario",
    "this key has endorsed this comment already": "esta llave ya apoyó este comentario",
    "comments are endorsed while their round is open": "los comentarios se apoyan mientras su consulta está abierta",
    "entry {} is of {}": "el asiento {} es de {}",
    "entry {} has no such content": "el asiento {} no lleva ese contenido",
    "this content is {}, and this is for one that is {}": "este contenido está en estado {}, y esto es para uno en {}",
    "no statement {} is registered": "no hay ninguna declaración {} en el registro",
    "{} opened this round itself": "{} abrió esta consulta",
    "a moderator does this, for a body on the roster": "esto lo hace quien modera, por una entidad inscrita",
    "no such content is registered": "no hay ningún contenido así en el registro",
    "an author asks in their own name: {} is a moderator's to give": "un autor pide en su propio nombre: {} lo da "
    "quien modera",
    "consent and secret are the author's own": "el consentimiento y el secreto son del autor",
    "the time to appeal would be over before it begins": "el plazo para apelar se acabaría antes de empezar",
    "the content of a {} has no shorter form: it is withheld or erased": "el contenido de {} no tiene forma "
    "abreviada: se retiene o se borra",
    "two moderators of two organisations erase, and these are of one": "borran dos moderadores de dos "
    "organizaciones, y estos son de una",
    "nobody has requested this erasure: ErasureRequested comes first": "nadie pidió este borrado: primero va "
    "ErasureRequested",
    "this act was appealed already": "este acto ya fue apelado",
    "the time to appeal is over": "el plazo para apelar ya pasó",
    "this appeal was decided already": "esta apelación ya se decidió",
    "{} does not decide about its own act": "{} no decide sobre su propio acto",
    "entry {} is its author's: the key that signed it, or the secret of its claim": "el asiento {} es de su autor: "
    "la llave que lo firmó, o el secreto con que se reclama",
    "entry {} is withdrawn by its own author": "el asiento {} lo retira su autor",
    "a secret is shown by the author of a comment only": "un secreto lo muestra solo el autor de un comentario",
    # Meetings, answers and what is taken back
    "the meeting {} is convened already": "la reunión {} ya está convocada",
    "{} needs a day": "{} necesita un día",
    "a meeting is convened before it starts": "una reunión se convoca antes de que empiece",
    "{} is not recorded as present at this meeting": "no consta que {} asistiera a esta reunión",
    "the coordinator's own organisation is not the second body": "la segunda entidad no es la propia organización de "
    "la coordinación",
    "a body signs alone only what the coordinator and another body have approved": "una entidad firma sola "
    "únicamente lo que aprobaron la coordinación y otra",
    "one answer is to one kind of question, and these are {}": "una respuesta es a una sola clase de pregunta, y "
    "estas son {}",
    "an institution contests what is assessed of its own commitments": "una institución impugna lo que se evalúa de "
    "sus propios compromisos",
    "a citizen contests the answer given to their own comment": "un ciudadano impugna la respuesta a su propio "
    "comentario",
    "entry {} answers no comment of this author": "el asiento {} no contesta ningún comentario de este autor",
    "only a statement that speaks for another body can be confirmed by it": "una entidad solo confirma lo que se "
    "declaró en su nombre",
    "entry {} speaks for {}": "el asiento {} habla por {}",
    "no such statement is registered": "no hay ninguna declaración así en el registro",
    "this dispute was resolved: it can no longer be withdrawn": "esta objeción ya se resolvió: no se puede retirar",
    # The form of statements, submissions and contents
    "a note of {} bytes; the limit is {}": "una nota de {} bytes; el límite es {}",
    "a text has {} bytes; the limit is {}": "un texto tiene {} bytes; el límite es {}",
    "there is nothing here": "no hay nada",
    "a byte order mark; JSON here starts with {": "hay una marca de orden de bytes; aquí el JSON empieza con {",
    "not UTF-8 at byte {}": "no es UTF-8 en el byte {}",
    "a NUL character": "hay un carácter NUL",
    "objects and lists go deeper than {}": "los objetos y listas llegan más hondo que {}",
    "not JSON: {}": "no es JSON: {}",
    "half of a surrogate pair, which no UTF-8 can hold": "hay medio par sustituto, que no cabe en UTF-8",
    "the key {} stands twice in one object": "la clave {} está dos veces en un objeto",
    "{} is not a plain integer": "{} no es un entero simple",
    "{} is outside ±(2^53−1)": "{} queda fuera de ±(2^53−1)",
    "the object has only one form as bytes; its SHA-256 is {}": "el objeto tiene una sola forma en bytes; su SHA-256 "
    "es {}",
    "{} signature lines for {} signers: one each": "hay {} líneas de firma para {} firmantes: va una de cada quien",
    "signature line {} is not under the name of its key, {}": "la línea de firma {} no lleva el nombre de su llave, {}",
    "the text of a statement has two lines: origin and object": "el texto de una declaración tiene dos líneas: "
    "registro y objeto",
    "the second line of a statement is one JSON object": "la segunda línea de una declaración es un objeto JSON",
    "the key {} is not among the signers that the statement names": "la llave {} no está entre los firmantes que "
    "nombra la declaración",
    "a line of somebody not named in {}: {}": "hay una línea de alguien que {} no nombra: {}",
    "the line of {} has another key's id": "la línea de {} lleva el identificador de otra llave",
    "an amendment changes one or more of {}": "una modificación cambia al menos uno de: {}",
    "a measure has either {}, or {} and {}": "una medida lleva {}, o bien {} y {}",
    "a check that saw {} names the {}": "una comprobación que vio {} nombra el {}",
    "{} is not before {}": "{} no viene antes de {}",
    "{} goes with late comments accepted, and is not before {}": "{} va con comentarios tardíos aceptados, y no "
    "antes de {}",
    "parts have names of their own, and {} is none of them": "cada parte tiene su nombre, y {} no es uno de ellos",
    "{}: the year {} has no week {}": "{}: el año {} no tiene semana {}",
    "fewer recovery keys than their threshold": "hay menos llaves de recuperación que su umbral",
    "{} contents; the limit is {}": "{} contenidos; el límite es {}",
    "a submission of {} bytes; the limit is {}": "un envío de {} bytes; el límite es {}",
    "the statement brings {} salted digest(s); the content of {} did not come": "la declaración trae {} resumen(es) "
    "con sal; el contenido de {} no llegó",
    "content {} of {} gives the salted digest {}, which the statement does not bring": "el contenido {} de {} da el "
    "resumen con sal {}, que la declaración no trae",
    "content {} of {} gives the salted digest {}, which the statement brings once only": "el contenido {} de {} da "
    "el resumen con sal {}, que la declaración trae una sola vez",
    "a salt is 32 bytes, written in 64 lower-case hexadecimal digits": "una sal son 32 bytes, en 64 dígitos "
    "hexadecimales en minúscula",
    "{} has no character other than space, tab and line feed": "{} no lleva más que espacios y saltos de línea",
    "{} has a NUL character": "{} lleva un carácter NUL",
    "{} has {} characters in {} bytes; the limits are {} and {}": "{} tiene {} caracteres en {} bytes; los límites "
    "son {} y {}",
    "{} statements wait already; send it again later": "ya esperan {} declaraciones; envíela más tarde",
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
