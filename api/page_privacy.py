"""Data protection, said from what the code does: `/gt/privacidad`.

What is kept of a person who takes part, where, until when, and who takes it away. The tables are made from the
vocabulary (what a citizen signs), the vault (what stands in its files), the settings of this installation and the
roster (whom to ask), so that the page changes when they do. What needs a sentence has it here, and a test fails where
a kind, a field, a column or a setting appears that no sentence explains (`tests/test_page_privacy.py`).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from litestar import Response

from api.names import msg
from api.reading import Reading, answer
from api.settings import LedgerSettings, Settings
from consultation.text import MAX_CODE_POINTS, SALT_BYTES, Content
from ledger.kinds import fields_of
from ledger.vocabulary import KINDS, Statement, signer_patterns
from projections.commitments import Commitment
from projections.roll import Actor, RoleHeld

# --- in the ledger, for ever -----------------------------------------------------------------------------------------

# Every field of what a citizen signs, or a transcriber for them.
FIELDS: Mapping[str, str] = {
    "by": msg("The public key that signs, and the word «citizen». No name, no account."),
    "said_at": msg("The time that your device gives."),
    "lang": msg("The language in which it is written."),
    "plan": msg("The action plan that it is about."),
    "round": msg("The consultation."),
    "version": msg("The version of the document that you read."),
    "about": msg("The part or the commitment that you comment on."),
    "reply_to": msg("The comment that you answer, if you answer one."),
    "position": msg("In favour, against or neutral, if you choose to say so."),
    "salted_digest": msg("A digest of your text with random salt. Nobody can get the text back from it."),
    "claim": msg("A digest of a secret that only your private file holds; whoever shows the secret is the author."),
    "secret": msg("That secret, once you use it. From then on the key that signed with it is the author's."),
    "comment": msg("The comment that you endorse."),
    "statement": msg("The statement that you take back or contest."),
    "target": msg("The text that it is about, by its statement and digest."),
    "ground": msg("Why you ask for a text to be destroyed: one of three words."),
    "authority": msg("The authority that asks for it; only a moderator states one."),
    "words": msg("Your reasons, again only as a salted digest."),
    "link": msg("The evidence that you dispute."),
    "mechanism": msg("The mechanism to which that evidence belongs."),
    "objection": msg("What you object to the evidence: one of six words."),
    "channel": msg("Of a comment that somebody wrote down for you: paper, meeting, telephone or web form."),
    "heard_at": msg("When they heard or read it."),
    "source": msg("The digest of the paper or minutes that they copied."),
    "printed": msg("Where it stands in a published report; only the importer states it."),
}


def signed_by_people() -> list[tuple[str, type[Statement]]]:
    """The kinds that a citizen signs, or a transcriber for them, in the order of the vocabulary."""
    roles = {"citizen", "transcriber"}
    return [
        (name, kind)
        for name, kind in KINDS.items()
        if any(one.role in roles for pattern in signer_patterns(kind) for one in pattern)
    ]


def fields_kept(reading: Reading) -> list[dict[str, Any]]:
    """Every field of these kinds with its sentence, and the kinds that have it; what all have comes first."""
    kinds = signed_by_people()
    having: dict[str, list[str]] = {}
    for name, kind in kinds:
        for field in fields_of(kind, frozenset()):
            having.setdefault(field.name, []).append(name)
    found = [
        {
            "name": name,
            "sentence": reading.text(FIELDS[name]) if name in FIELDS else "",
            "everywhere": len(names) == len(kinds),
            "kinds": [reading.say.name("kind", one) for one in names],
        }
        for name, names in having.items()
    ]
    return sorted(found, key=lambda one: not one["everywhere"])


# --- in the vault ----------------------------------------------------------------------------------------------------

# Every field of a content, and every column of the vault's tables; empty where it says nothing of a text.
CONTENTS: Mapping[str, str] = {
    "text": msg("What you wrote."),
    "name": msg("Your name, only if you chose to write it."),
    "place": msg("Your place, only if you chose to write it."),
}
COLUMNS: Mapping[str, str] = {
    "statement": msg("the identity of the statement that brought it"),
    "digest": msg("its salted digest"),
    "sealed": msg("text and salt, sealed under a key that is theirs alone"),
    "slot": msg("where that key stands in the file of the keys"),
    "kept_ms": msg("when it came"),
    "idx": msg("its index in the ledger"),
    "effect": msg("what was done with it"),
    "by_index": msg("which entry took it from view"),
    "by_statement": msg("the identity of that statement"),
    "ground": msg("the ground that it states"),
    "weight": "",
    "name": "",  # of a key whose content this file does not have: a digest of the two digests
    "only": "",
    "size": "",
    "keys": "",
    "wipings": "",
}

# --- what is done with a text ----------------------------------------------------------------------------------------

# The act, its kind, what becomes of the text and of the salt, what a verifier finds.
ACTS: tuple[tuple[str, str, str, str, str], ...] = (
    (
        msg("Withhold"),
        "ContentWithheld",
        msg("sealed in the vault for an appeal; shown nowhere"),
        msg("kept"),
        msg("The comment stays valid, in its place. In place of the text stands a marker that names this statement."),
    ),
    (
        msg("Redact"),
        "ContentRedacted",
        msg("sealed; a shorter text is shown in its place"),
        msg("kept; the shorter text has its own"),
        msg("The same; the shorter text fits the digest that this statement signs."),
    ),
    (
        msg("Restore"),
        "ContentRestored",
        msg("shown again, as it was"),
        msg("published again"),
        msg("The text fits its digest, as on the first day."),
    ),
    (
        msg("Erase"),
        "ContentErased",
        msg("destroyed, with the key under which the vault kept it; it cannot be undone"),
        msg("destroyed"),
        msg("The comment stays valid, in its place. Nobody can show any more what it said, nor guess it."),
    ),
    (
        msg("Withdraw"),
        "StatementWithdrawn",
        msg("hidden by its author"),
        msg("kept"),
        msg("The comment stays valid, in its place, marked as withdrawn by its author."),
    ),
)


def acts_of(reading: Reading) -> list[dict[str, str]]:
    """What can be done with a text, and who signs it, by the vocabulary."""
    text = reading.text
    return [
        {
            "name": text(name),
            "kind": reading.say.name("kind", kind),
            "who": _signers(reading, kind),
            "text": text(of_text),
            "salt": text(of_salt),
            "finds": text(finds),
        }
        for name, kind, of_text, of_salt, finds in ACTS
    ]


def _signers(reading: Reading, kind: str) -> str:
    """Who signs a kind: the ways that the vocabulary names, in roles."""
    if kind == "StatementWithdrawn":  # of a comment it is never the transcriber
        return reading.text("its author alone: the key that signed it, or the secret of its private file")
    names: list[str] = []
    for one in signer_patterns(KINDS[kind])[0]:
        role = reading.say.name("role", one.role)
        several = reading.text("%(count)s × %(role)s, of different organisations", count=one.least, role=role)
        names.append(role if one.least == 1 else several)
    return reading.say.listed(names)


# --- this installation -----------------------------------------------------------------------------------------------

# Every setting: what it means for whoever reads or writes here; empty where it touches nobody's data.
SETTINGS: Mapping[str, str] = {
    "ledgers": "",
    "origin": "",
    "folder": "",
    "policy": "",
    "mirrors": msg(
        "Copies of the published files that we know of: %(value)s. Each learns of removals when it next copies."
    ),
    "licence": "",
    "archive": msg(
        "Documents captured as evidence are kept under their digest. A signed statement can withhold or erase them."
    ),
    "host": "",
    "port": "",
    "hosts": "",
    "trusted_proxies": msg("Servers in front of this one, which see your address and may log it: %(value)s."),
    "read_timeout": "",
    "threads": "",
    "max_requests": "",
    "max_connections": "",
    # Said in a paragraph of their own: `allowances_of`.
    "free_statements": "",
    "free_statements_per_hour": "",
    "worked_statements_per_hour": "",
    "ledger_statements_per_minute": "",
    "work_iterations": "",
    "access_log": msg("Log of requests (method, path, status, duration; no address, no query, no text): %(value)s."),
}


def settings_of(reading: Reading) -> list[str]:
    """The settings of this installation that touch people's data, as they are."""
    settings = reading.reader.settings
    if settings is None:
        return []
    ledger = next((one for one in settings.ledgers if one.origin == reading.view.ledger.origin), None)
    holders: tuple[Settings | LedgerSettings, ...] = (settings, *([ledger] if ledger else []))
    found: list[str] = []
    for holder in holders:
        for name in holder.__struct_fields__:
            if sentence := SETTINGS.get(name):
                found.append(reading.text(sentence, value=_value(reading, getattr(holder, name))))
    return found


def _value(reading: Reading, value: object) -> str:
    if isinstance(value, bool):
        return reading.text("on") if value else reading.text("off")
    if isinstance(value, str | int | float):
        return str(value)
    return reading.say.listed(list(cast("tuple[str, ...]", value))) or reading.text("none")


# --- against abuse, for a day ----------------------------------------------------------------------------------------

# Every column of limits.db; empty where it says nothing of a client.
COUNTS: Mapping[str, str] = {
    "name": "",
    "day": "",
    "secret": msg("the secret of the day"),
    "key": msg("the digest of a network and a consultation"),
    "spent": msg("how much of its allowance is spent"),
    "at": msg("when that was so"),
    "answer": msg("a computation that was solved"),
    "statement": msg("the statement for which it was"),
    "expires": msg("when that is forgotten"),
}


def allowances_of(reading: Reading) -> dict[str, Any]:
    """What a network may send without work, and with it, by the settings of this installation."""
    settings, number = reading.reader.settings, reading.say.number
    if settings is None:
        return {}
    return {
        "free": number(settings.free_statements),
        "hourly": number(settings.free_statements_per_hour),
        "worked": number(settings.worked_statements_per_hour),
        "columns": [reading.text(sentence) for sentence in COUNTS.values() if sentence],
    }


# --- whom to ask -----------------------------------------------------------------------------------------------------

ASKED = ("coordinator", "moderator", "registrar")


def bodies_to_ask(reading: Reading, among: Sequence[str] = ASKED) -> list[dict[str, Any]]:
    """The bodies that hold one of these roles now (consultations, moderation, the roster), with what they do."""
    records = reading.view.records
    roles: dict[str, list[str]] = {}
    for _, held in records.scan(RoleHeld):
        if held.role in among and held.ended is None and held.role not in roles.setdefault(held.actor, []):
            roles[held.actor].append(held.role)
    found: list[dict[str, Any]] = []
    for slug, held in sorted(roles.items(), key=lambda one: min(ASKED.index(role) for role in one[1])):
        actor = records.get(Actor, slug)
        if actor is not None:
            names = [reading.say.name("role", role) for role in ASKED if role in held]
            found.append({"name": actor.name, "site": actor.site, "roles": reading.say.listed(names)})
    return found


def privacy_page(reading: Reading) -> Response[bytes]:
    """What is kept of whoever takes part, where, until when, who takes it away, and whom to ask."""
    plan = reading.first_plan
    wanted = (
        reading.view.records.get(Commitment, f"{plan}/C6") if plan and re.fullmatch(r"gt-2014-2016", plan) else None
    )
    return answer(
        reading,
        "privacy.html",
        kinds=[reading.say.name("kind", name) for name, _ in signed_by_people()],
        fields=fields_kept(reading),
        contents=[reading.text(CONTENTS[name]) for name in Content.__struct_fields__ if name in CONTENTS],
        columns=[reading.text(sentence) for sentence in COLUMNS.values() if sentence],
        salt_bytes=SALT_BYTES,
        most_letters=MAX_CODE_POINTS,
        acts=acts_of(reading),
        settings=settings_of(reading),
        allowances=allowances_of(reading),
        bodies=bodies_to_ask(reading),
        law_wanted=reading.to_commitment(wanted.commitment) if wanted else "",
    )
