"""The JSON API: what it says is what a replay of the published entries says, at every tree size."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from service import Answer, Served, founded_lately, now_ms, put_on_disk
from world import C8, G1, G2, ORIGIN, PLAN, World

from consultation.desk import reopen
from consultation.text import Content, SaltedContent
from ledger.statement import Entry, canonical, format_when
from ledger.tlog.merkle import Frontier, leaf_hash
from ledger.tlog.note import format_base64
from ledger.tlog.tiles import entries_path, parse_bundle
from projections.commitments import Commitment
from projections.records import DictRecords, digest
from projections.replay import evolve, replay

SALT = (b"s" * 32).hex()
COMMENTS = {"maria": "Buen plan.", "jorge": "Texto que alguien retira.", "sara": "Texto que se retiene."}


class Town:
    def __init__(self, server: Served, world: World) -> None:
        self.server = server
        self.world = world
        self.indexes: dict[str, int] = {}
        self.leaves: list[bytes] = []

    def say(self, kind: str, *who: str, contents: list[SaltedContent] | None = None, **fields: Any) -> Answer:
        self.world.now_ms = now_ms()
        answer = self.server.post(self.world.sign(kind, *who, **fields), contents)
        assert answer.status == 201, answer.body
        return answer

    def get(self, path: str) -> Any:
        answer = self.server.get(f"/api{path}")
        assert answer.status == 200, answer.body
        return answer.json

    def entries(self) -> list[Entry]:
        """All published entries, read from the published bundles."""
        raw = self.server.get("/" + entries_path(0, self.server.size())).body
        self.leaves = parse_bundle(raw, self.server.size())
        return [reopen(index, leaf, ORIGIN) for index, leaf in enumerate(self.leaves)]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("ledger")
    world = founded_lately()
    put_on_disk(world, folder)
    with Served(folder) as server:
        town = Town(server, world)
        level: dict[str, Any] = {"reason": "Porque sí.", "evidence": []}
        town.say("CompletionReported", "copret:institution", subject=G1, level="complete", **level)
        town.say("CompletionAssessed", "icefi:assessor", commitment=G1, level="limited", **level)
        town.say("CompletionReported", "minfin:institution", subject=G2, level="limited", **level)
        for name, words in COMMENTS.items():
            answer = town.say(
                "CommentSubmitted",
                f"{name}:citizen",
                contents=[SaltedContent(salt=SALT, content=Content(text=words))],
                **world.comment(name, words),
            )
            town.indexes[name] = answer.json["index"]
            if name == "jorge":
                town.say("StatementWithdrawn", "jorge:citizen", statement=answer.json["identity"])
            if name == "sara":
                town.say(
                    "ContentWithheld",
                    "vigilante:moderator",
                    target={
                        "statement": answer.json["identity"],
                        "salted_digest": world.comment(name, words)["salted_digest"],
                    },
                    ground="personal_data",
                    rule="3.2",
                    appeal_until=format_when(now_ms() + 30 * 86_400_000),
                )
        town.say(
            "ReportPublished",
            "icefi:assessor",
            report="sombra",
            report_form="shadow",
            version=1,
            title="Informe sombra",
            on={"precision": "day", "day": "2026-11-01"},
            document="ab" * 32,
            claims=[{"measure": "level_count", "scope": {"level": "complete"}, "value": 2, "out_of": 3}],
        )
        deadline = time.monotonic() + 10
        while town.get("/digest")["checkpoint"]["size"] < server.size() and time.monotonic() < deadline:
            time.sleep(0.02)
        yield town
        assert "Traceback" not in server.log()


def test_every_answer_has_the_envelope_in_canonical_json(town: Town) -> None:
    answer = town.server.get(f"/api/plans/{PLAN}")
    found = answer.json
    assert answer.body == canonical(found)
    assert list(found) == ["as_of", "checkpoint", "data", "methodology"]
    assert found["methodology"] == {PLAN: 1}
    assert found["as_of"] == town.get(f"/entries/{found['checkpoint']['size'] - 1}")["data"]["received_at"]
    lines = town.server.get("/checkpoint").body.decode().split("\n")
    assert [found["checkpoint"][name] for name in ("origin", "size", "root")] == [lines[0], int(lines[1]), lines[2]]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-cache"


def test_at_every_size_the_served_state_is_that_of_a_replay(town: Town) -> None:
    records, tree = DictRecords(), Frontier()
    for entry in town.entries():
        evolve(records, entry)
        tree.append(leaf_hash(town.leaves[entry.index]))
        size = entry.index + 1
        answer = town.get(f"/digest?at={size}")
        assert answer["checkpoint"].pop("witnesses") == []
        assert answer["checkpoint"] == {"origin": ORIGIN, "root": format_base64(tree.root()), "size": size}
        assert answer["data"]["digest"] == digest(records, ORIGIN, size), size
        if size % 7 == 0 or size > 35:
            expected = [one for _, one in records.scan(Commitment, prefix=f"{PLAN}/")]
            found = town.server.get(f"/api/plans/{PLAN}/commitments?at={size}")
            if found.status == 404:  # before the plan was registered
                assert expected == []
            else:
                assert canonical(found.json["data"]) == canonical(expected)


def test_the_records_can_be_compared_one_by_one(town: Town) -> None:
    records = DictRecords()
    replay(town.entries(), records)
    served: list[tuple[str, str, bytes]] = []
    for table in town.get("/records")["data"]:
        path = f"/records/{table}?limit=7"
        while path:
            page = town.get(path)
            served += [(table, row["key"], canonical(row["record"])) for row in page["data"]]
            path = page.get("next", "").removeprefix("/gt/api")
    assert served == list(records.lines())


def test_pages_of_a_list_are_of_one_state_and_leave_nothing_out(town: Town) -> None:
    whole = town.get(f"/plans/{PLAN}/commitments")["data"]
    assert [one["commitment"] for one in whole] == [C8, G1, G2]
    first = town.server.get(f"/api/plans/{PLAN}/commitments?limit=2")
    assert first.headers["link"] == f'<{first.json["next"]}>; rel="next"'
    assert f"at={first.json['checkpoint']['size']}" in first.json["next"]
    second = town.server.get(first.json["next"].removeprefix("/gt"))
    assert first.json["data"] + second.json["data"] == whole
    assert "next" not in second.json
    assert "link" not in second.headers


def test_lists_are_narrowed_and_the_next_page_remembers_it(town: Town) -> None:
    def names(query: str) -> list[str]:
        return [one["commitment"] for one in town.get(f"/plans/{PLAN}/commitments?{query}")["data"]]

    assert names("proposer=civil_society") == [C8]
    assert names("institution=minfin") == [G2]
    assert names("level=complete") == [G1]
    assert names("level=complete&institution=minfin") == []
    page = town.get(f"/plans/{PLAN}/commitments?proposer=government&limit=1")
    assert "proposer=government" in page["next"]


def test_a_commitment_has_its_levels_and_its_history(town: Town) -> None:
    found = town.get(f"/plans/{PLAN}/commitments/G1")["data"]["commitment"]
    assert (found["reported"]["level"], found["assessed"][0]["level"]) == ("complete", "limited")
    history = town.get(f"/plans/{PLAN}/commitments/G1/history")["data"]
    assert [line["kind"] for line in history] == ["CommitmentRegistered", "CompletionReported", "CompletionAssessed"]
    for line in history:
        entry = town.get(f"/entries/{line['index']}")["data"]
        assert (entry["identity"], entry["kind"]) == (line["identity"], line["kind"])


def test_gaps_show_reported_beside_assessed_and_evidenced(town: Town) -> None:
    matrix = town.get(f"/plans/{PLAN}/gaps")["data"]
    standings = {row["commitment"]: row["standing"] for row in matrix["rows"]}
    assert (standings[G1]["reported"], standings[G1]["combined"]["level"]) == ("complete", "no_evidence_available")
    assert [(one["organisation"], one["level"]) for one in standings[G1]["voices"] if one["level"]] == [
        ("icefi", "limited")
    ]
    assert [standings[one]["gap"] for one in (G1, G2, C8)] == [3, 1, None]
    pairs = {(cell["a"], cell["b"]): (cell["compared"], cell["a_above"]) for cell in matrix["disagreement"]}
    assert pairs["reported", "icefi"] == (1, 1)
    assert (matrix["plan"], matrix["methodology"]) == (PLAN, 1)


def test_claims_stand_beside_what_the_record_gives(town: Town) -> None:
    (report,) = town.get(f"/plans/{PLAN}/claims")["data"]
    (claim,) = report["claims"]
    assert (claim["claimed"], claim["computed"], claim["verdict"]) == (2, 1, "differs")


def test_comments_show_what_is_public_now_and_keep_the_places_of_others(town: Town) -> None:
    shown, withdrawn, withheld = town.get(f"/plans/{PLAN}/rounds/ronda-1/comments")["data"]
    assert [one["comment"]["index"] for one in (shown, withdrawn, withheld)] == list(town.indexes.values())
    assert (shown["content"], shown["salt"]) == ({"text": COMMENTS["maria"]}, SALT)
    assert "hidden" not in shown
    assert [one["state"] for one in (shown, withdrawn, withheld)] == ["shown", "withdrawn", "withheld"]
    assert withdrawn["hidden"]["index"] == town.indexes["jorge"] + 1
    assert "ground" not in withdrawn["hidden"]
    assert withheld["hidden"]["ground"] == "personal_data"
    for hidden in (withdrawn, withheld):
        assert "content" not in hidden
        assert "salt" not in hidden


def test_every_act_of_moderation_is_told_with_its_ground(town: Town) -> None:
    (act,) = town.get("/moderation")["data"]
    assert (act["act"], act["ground"], act["target"]) == ("withheld", "personal_data", town.indexes["sara"])
    assert act["organisations"] == ["vigilante"]


def test_a_hidden_text_is_in_no_answer_not_even_an_older_one(town: Town) -> None:
    paths = [
        f"/plans/{PLAN}/rounds/ronda-1/comments?at={at}" for at in range(town.indexes["maria"] + 1, town.server.size())
    ]
    paths += [f"/records/{table}?limit=1000" for table in town.get("/records")["data"]]
    paths += [f"/entries/{index}" for index in range(town.server.size())]
    for path in paths:
        body = town.server.get(f"/api{path}").body.decode()
        assert COMMENTS["jorge"] not in body, path
        assert COMMENTS["sara"] not in body, path
    for page in ("/", "/consultas/ronda-1", "/en/consultas/ronda-1", "/contents/000"):
        assert COMMENTS["sara"] not in town.server.get(page).body.decode(), page
    assert COMMENTS["maria"] in town.server.get("/contents/000").body.decode()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/plans?at=0", 404),
        ("/plans?at=99999", 404),
        ("/plans?at=01", 400),
        ("/plans?at=-1", 400),
        ("/plans?at=+1", 400),
        ("/plans?at=1.0", 400),
        ("/plans?at=%D9%A3", 400),
        ("/plans?at=1_0", 400),
        ("/plans?at=" + "9" * 400, 400),
        ("/plans?at=", 400),
        ("/plans?at=5&as_of=nope", 400),
        ("/plans?as_of=yesterday", 400),
        ("/plans?as_of=2026-02-30", 400),
        ("/plans?as_of=2026-2-3", 400),
        ("/plans?as_of=2026-11-23T12:00:60Z", 400),
        ("/plans?as_of=0001-01-01", 404),
        ("/plans?limit=0", 400),
        ("/plans?limit=1001", 400),
        ("/plans?limit=x", 400),
        ("/plans/otro", 404),
        ("/plans/otro/commitments", 404),
        (f"/plans/{PLAN}/commitments/G99", 404),
        (f"/plans/{PLAN}/commitments/G99/history", 404),
        (f"/plans/{PLAN}/rounds/otra", 404),
        (f"/plans/{PLAN}/meetings/otra", 404),
        ("/plans/otro/rounds/ronda-1", 404),
        ("/records/sqlite_master", 404),
        ("/records/plan'--", 404),
        ("/entries/99999", 404),
        ("/entries/0x1", 400),
        ("/nothing", 404),
        ("/plans/%00", 404),
        (f"/plans/{PLAN}?after=%00%ff", 400),
    ],
)
def test_a_question_that_has_no_answer_gets_a_problem_and_never_a_failure(town: Town, path: str, status: int) -> None:
    answer = town.server.get(f"/api{path}")
    assert answer.status == status, answer.body
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["status"] == status


def test_as_of_a_day_or_a_time_is_the_record_of_what_was_received_by_then(town: Town) -> None:
    entries = town.entries()
    for entry in (entries[0], entries[20], entries[-1]):
        moment = town.get(f"/entries/{entry.index}")["data"]["received_at"]
        by_then = sum(one.received_ms <= entry.received_ms for one in entries)
        assert town.get(f"/plans?as_of={moment}")["checkpoint"]["size"] == by_then
    local = entries[-1].received_ms + -360 * 60_000
    day = format_when(local)[:10]
    size = town.get(f"/plans?as_of={day}")["checkpoint"]["size"]
    assert size == sum(format_when(one.received_ms - 360 * 60_000)[:10] <= day for one in entries)


def test_the_api_describes_itself(town: Town) -> None:
    answer = town.server.get("//schema")
    schema = json.loads(answer.body)
    paths = schema["paths"]
    for wanted in ("/statements", "/receipts/{identity}", "/api/plans/{plan}/commitments", "/api/plans/{plan}/gaps"):
        assert f"/gt{wanted}" in paths
    assert set(paths["/gt/statements"]["post"]["requestBody"]["content"]) == {
        "application/vnd.constancia.statement",
        "application/vnd.constancia.submission+json",
    }
    # What is not there yet is said.
    assert "evidence" in paths["/gt/api/plans/{plan}/gaps"]["get"]["description"]
    refs = json.dumps(schema)
    assert "Commitment" in refs
    for path, operations in paths.items():
        for operation in operations.values():
            assert operation.get("summary"), path


@pytest.mark.parametrize(
    ("path", "known"),
    [
        (f"/plans/{PLAN}/commitments", "after, as_of, at, institution, level, limit, proposer"),
        (f"/plans/{PLAN}/changes", "as_of, at, from, to"),
        ("/witnesses", "none"),
    ],
)
def test_a_parameter_that_a_route_has_not_is_refused_and_the_others_are_named(
    town: Town, path: str, known: str
) -> None:
    answer = town.server.get(f"/api{path}?institusion=minfin")
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json["detail"] == f"There is no parameter 'institusion'; there are: {known}."


def test_every_documented_address_answers(town: Town) -> None:
    """Each GET of the schema, with the names of this world put in."""
    names = {
        "plan": PLAN,
        "index": "0",
        "table": "plan",
        "identity": town.get("/entries/0")["data"]["identity"],
    }
    for path, operations in json.loads(town.server.get("//schema").body)["paths"].items():
        if "get" not in operations or "/api/" not in path:
            continue
        name = "ronda-1" if "/rounds/" in path else "G1"
        if "/meetings/" in path or "/evidence/" in path:  # this world has none; tests of their own ask for them
            continue
        given = [one for one in operations["get"].get("parameters", []) if one["in"] == "query" and one["required"]]
        query = "?" + "&".join(f"{one['name']}=1" for one in given)  # sizes, both of them
        address = path.format(**names, name=name) + query
        answer = town.server.get("/" + address)
        assert answer.status == 200, (path, answer.body)
        head = town.server.request("HEAD", address)
        assert (head.status, head.body) == (200, b""), path
        assert head.headers["content-type"] == answer.headers["content-type"]
