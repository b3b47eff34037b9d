"""A published town to audit: the world of `tests/world.py` with a round, comments, a withheld one and a withdrawn one.

    town = published_town()            the files, by hand (tests/second_writer.py)
    report = town.audit()              with everything pinned
    town.publish_again()               after the world was bent: the operator signs the new history

The operator of this town holds the log's key, so it can lie about anything that is not somebody else's signature.
"""

from typing import Any

from second_writer import Files, contents_files, publish
from world import ORIGIN, World, found, key_of, public, salted_digest

from ledger.statement import Entry, format_when
from ledger.tlog.policy import Policy, parse_policy
from projections.audit import audit
from projections.findings import Report

DAY_MS = 86_400_000
SALT = b"s" * 32


class Town:
    """A world, and what its operator publishes of it."""

    def __init__(self, comments: int = 5) -> None:
        self.world: World = found()
        self.lines: list[dict[str, Any]] = []
        # Every text as it was sent, also of those that were taken from view later.
        self.shown: list[dict[str, Any]] = []
        self.world.open_round()
        self.comments = [self.comment(f"vecina-{number}", f"Comentario {number}.") for number in range(comments)]
        # A comment is withheld by a moderator, another taken back by its author.
        if len(self.comments) > 2:
            self.hide(self.comments[1], self.withhold(self.comments[1]))
            taken_back = self.comments[2].opened.identity
            by = self.world.say("StatementWithdrawn", "vecina-2:citizen", statement=taken_back)
            self.hide(self.comments[2], by)
        self.files = Files()
        self.publish_again()

    def comment(self, who: str, text: str) -> Entry:
        """A citizen comments, and the text is shown."""
        entry = self.world.say("CommentSubmitted", f"{who}:citizen", **self.world.comment(who, text))
        line: dict[str, Any] = {"index": entry.index, "salt": SALT.hex(), "content": {"text": text}}
        self.lines.append(line | {"salted_digest": salted_digest(ORIGIN, public(who), {"text": text}, SALT)})
        self.shown.append(self.lines[-1])
        return entry

    def withhold(self, entry: Entry, **fields: Any) -> Entry:
        """A moderator withholds a comment."""
        (digest,) = entry.opened.statement.salted_digests()
        return self.world.say(
            "ContentWithheld",
            "vigilante:moderator",
            **{
                "target": {"statement": entry.opened.identity, "salted_digest": digest},
                "ground": "personal_data",
                "rule": "3",
                "appeal_until": format_when(self.world.now_ms + 15 * DAY_MS),
                **fields,
            },
        )

    def hide(self, entry: Entry, by: Entry) -> None:
        """Put the marker in the place of a text."""
        at = next(at for at, line in enumerate(self.lines) if line["index"] == entry.index)
        self.lines[at] = {
            "index": entry.index,
            "salted_digest": self.lines[at]["salted_digest"],
            "by": {"digest": by.opened.identity, "index": by.index},
        }

    def publish_again(self) -> None:
        """Publish what there is now, with older partial files beside the newest."""
        leaves = self.world.leaves()
        heads = [1, 7, len(leaves) - 3]
        self.files = publish(ORIGIN, leaves, key_of("log"), heads=heads, others=contents_files(self.lines))

    @property
    def policy(self) -> Policy:
        """What the auditors of this town pin."""
        return parse_policy(publish(ORIGIN, [b""], key_of("log"))["policy"])

    @property
    def founding(self) -> str:
        """The identity that they pin."""
        return self.world.entries[0].opened.identity

    def audit(self, files: Files | None = None, **options: Any) -> Report:
        """Audit with policy and founding pinned."""
        options = {"policy": self.policy, "founding": self.founding, "workers": 1, **options}
        return audit(self.files if files is None else files, **options)
