"""What moderators and authors do to texts, and what must be public then: FORMAT.md, "Contents", read a second time.

    moderated = Moderated(town)          comments of a town, moderators of two organisations, a round
    moderated.act("ContentWithheld", place)         registered as anybody would; Refused where the rules forbid it
    moderated.lines()                    the lines of `contents/` that belong to all that was said, in full
    moderated.publish()                  the town publishes them

The lines come from going through the entries one by one and changing what stands; the product takes the weightiest
act of all (`consultation.hiding`). So the two can disagree.
"""

from random import Random
from typing import Any

from town import DAY_MS, SALT, Town
from world import ORIGIN, digest_of, found, public, salted_digest, second_moderator

from ledger.errors import Refused
from ledger.statement import Entry, format_when

Place = tuple[str, str]
"""A content: the identity of its statement, and its salted digest."""
Line = dict[str, Any]

ONE, OTHER = "vigilante:moderator", "jurado:moderator"
SIGNERS = {"ContentErased": (ONE, OTHER)}
ACTS = ("ContentWithheld", "ContentRedacted", "ContentRestored", "ContentErased", "StatementWithdrawn")


class Standing:
    """How it stands with one content."""

    def __init__(self, line: Line, above: "Standing | None") -> None:
        self.line = line
        self.below: list[Standing] = []
        self.moderated: Entry | None = None
        self.replaced: Entry | None = None
        # What its author took back, or what is destroyed, is so for whatever is put in its place later, too.
        self.withdrawn: Entry | None = above.withdrawn if above else None
        self.erased: Entry | None = above.erased if above else None
        self.erasures: list[str] = list(above.erasures) if above else []

    def now(self) -> Line:
        """The line in `contents/`."""
        by = self.erased or self.withdrawn or self.replaced or self.moderated
        if by is None:
            return self.line
        place = {name: self.line[name] for name in ("index", "salted_digest")}
        return place | {"by": {"digest": by.opened.identity, "index": by.index}}

    def family(self) -> "list[Standing]":
        """This content and all shorter texts in its place."""
        return [self, *(each for shorter in self.below for each in shorter.family())]


class Moderated:
    """A town whose comments are moderated."""

    def __init__(self, town: Town | None = None, comments: int = 4) -> None:
        if town is None:
            world = found()
            world.open_round()
            town = Town(world=world)
        self.town = town
        self.world = town.world
        second_moderator(self.world)
        self.texts: dict[Place, Line] = {}
        self.authors: dict[Place, str] = {}
        for number in range(comments):
            self.comment(f"vecina-{number}", f"Comentario {number}, con un nombre que sobra.")

    # --- what is said

    def comment(self, who: str, text: str) -> Place:
        """A citizen comments."""
        entry = self.world.say("CommentSubmitted", f"{who}:citizen", **self.world.comment(who, text))
        place = self.bring(entry, who, text)
        self.authors[place] = who
        return place

    def bring(self, entry: Entry, who: str, text: str) -> Place:
        """Remember the text that a statement brings."""
        digest = salted_digest(ORIGIN, public(who), {"text": text}, SALT)
        place = entry.opened.identity, digest
        self.texts[place] = {
            "index": entry.index,
            "salted_digest": digest,
            "salt": SALT.hex(),
            "content": {"text": text},
        }
        return place

    def act(self, kind: str, place: Place, *who: str) -> Entry:
        """Somebody acts on a content. Raises Refused."""
        note, text = self.note(kind, place, *who)
        entry = self.world.take_note(note)
        if text is not None:
            self.bring(entry, "vigilante", text)
        return entry

    def note(self, kind: str, place: Place, *who: str) -> tuple[bytes, str | None]:
        """The note of an act, and the shorter text that comes with it."""
        number = self.world.docket.size
        if kind == "StatementWithdrawn":
            author = who or (f"{self.authors.get(place, 'nadie')}:citizen",)
            return self.world.sign(kind, *author, statement=place[0]), None
        text = f"Comentario […] {number}." if kind == "ContentRedacted" else None
        fields: dict[str, Any] = {"target": {"statement": place[0], "salted_digest": place[1]}}
        if kind in ("ContentWithheld", "ContentRedacted"):
            later = format_when(self.world.now_ms + 15 * DAY_MS)
            fields |= {"ground": "personal_data", "rule": f"Regla {number}", "appeal_until": later}
        if text is not None:
            fields["salted_digest"] = salted_digest(ORIGIN, public("vigilante"), {"text": text}, SALT)
        if kind == "ContentRestored":
            fields["words"] = {"text": f"No había motivo {number}."}
        if kind == "ContentErased":
            fields |= {"ground": "personal_data", "rule": "Ley", "stores": ["vault", "backups"]}
        return self.world.sign(kind, *(who or SIGNERS.get(kind, (ONE,))), **fields), text

    def wander(self, chance: Random, steps: int) -> int:
        """Try so many acts at random, on contents at random; returns how many the rules admit."""
        done = 0
        for _ in range(steps):
            self.world.now_ms += 1_000
            place = chance.choice(list(self.texts))
            try:
                # Rare: nothing follows on an erasure.
                self.act(chance.choices(ACTS, (5, 5, 5, 1, 1))[0], place)
            except Refused:
                continue
            done += 1
        return done

    # --- what must be public

    def standing(self) -> dict[Place, Standing]:
        """How it stands with every content after all entries."""
        standing: dict[Place, Standing] = {}
        for entry in self.world.entries:
            said = entry.opened.statement
            place: Any = getattr(said, "target", None)
            of = standing.get((place.statement, place.salted_digest)) if place else None
            if of is not None:
                self._moderate(of, entry)
            if said.kind == "StatementWithdrawn":
                for (identity, _), each in list(standing.items()):
                    if identity == said.statement:  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
                        for one in each.family():
                            one.withdrawn = one.withdrawn or entry
            for digest in said.salted_digests():
                brought = entry.opened.identity, digest
                standing[brought] = Standing(self.texts[brought], of)
                if of is not None:
                    of.below.append(standing[brought])
        return standing

    @staticmethod
    def _moderate(of: Standing, entry: Entry) -> None:
        match entry.opened.statement.kind:
            case "ContentWithheld" | "ContentRedacted":
                of.moderated = entry
            case "ContentRestored":
                of.moderated = None
                for each in of.family()[1:]:
                    each.replaced = entry
            case "ContentErased":
                for each in of.family():
                    each.erased = each.erased or entry
                    each.erasures.append(entry.opened.identity)
            case _:
                pass

    def lines(self) -> list[Line]:
        """All lines of `contents/`."""
        return [each.now() for each in self.standing().values()]

    def publish(self) -> Town:
        """The town publishes what there is now."""
        self.town.lines = self.lines()
        self.town.publish_again()
        return self.town

    def lie(self, place: Place, line: Line | None) -> Town:
        """The town publishes another line for one content, or none."""
        true = self.texts[place]
        self.town.lines = [each for each in self.lines() if (each["index"], each["salted_digest"]) != _of(true)]
        self.town.lines += [line] if line else []
        self.town.publish_again()
        return self.town

    def marker(self, place: Place, by: Entry | None, identity: str = "") -> Line:
        """The marker of a content that names this entry; without one, an entry that is not there."""
        index = len(self.world.entries) + 50 if by is None else by.index
        named = {
            "digest": by.opened.identity if by and not identity else identity or digest_of("nothing"),
            "index": index,
        }
        return {name: self.texts[place][name] for name in ("index", "salted_digest")} | {"by": named}


def _of(line: Line) -> tuple[int, str]:
    return line["index"], line["salted_digest"]
