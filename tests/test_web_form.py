"""Commenting without scripts: what the office states for those who send it a form, and what it never does."""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

import plaza
import pytest
import world as w
from service import Answer, Served
from test_pages import Read, ready

from api.cli import run
from api.page_commenting import Draft
from consultation.text import Content, salted_digest
from consultation.text import claim as claim_of
from ledger.tlog.policy import parse_policy
from ledger.verify import verify_receipt

FORM = "application/x-www-form-urlencoded"
TEXT = "Que se publique el acta.\n\nY las cifras."
PLAIN = {"text": TEXT}
EMPTY = dict.fromkeys(Draft.__struct_fields__, "") | {"about": "whole", "lang": "es-GT"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("formulario") / "gt"
    plaza.put_plaza(folder)
    with Served(folder) as server:
        yield ready(server)


def send(
    served: Served,
    fields: Mapping[str, str],
    step: str = "review",
    round_: str = plaza.OPEN,
    headers: Mapping[str, str] | None = None,
    language: str = "",
) -> Answer:
    """Post the form as a browser does."""
    # Line ends go over the wire as CR LF.
    written = {name: value.replace("\n", "\r\n") for name, value in (EMPTY | dict(fields) | {"step": step}).items()}
    from_here = {"sec-fetch-site": "same-origin"} if headers is None else headers
    path = f"{served.path}{language}/consultas/{round_}/comentar"
    return served.request(
        "POST", path, urlencode(written).encode(), {"content-type": FORM, "accept": "text/html", **from_here}
    )


def hidden(answer: Answer) -> dict[str, str]:
    """What the form of a page sends back without its reader's doing."""
    return {
        str(found["name"]): found["value"] or "" for found in Read(answer.body.decode()).all("input", type="hidden")
    }


def registered(served: Served, **fields: str) -> Answer:
    """Send, review and confirm."""
    review = send(served, {"text": TEXT} | fields)
    assert review.status == 200, review.body
    answer = send(served, hidden(review), "confirm")
    assert answer.status == 200, answer.body
    return answer


def index_of(answer: Answer) -> int:
    """The entry that a form became."""
    (name,) = [name for name in files(answer) if name.endswith(".private.json")]
    return int(re.findall(r"\d+", name)[0])


def written(**fields: str) -> bytes:
    """The body of a form with these fields."""
    return urlencode(EMPTY | {"text": "a"} | fields).encode()


def files(answer: Answer) -> dict[str, bytes]:
    """The files that a page holds inside of itself, by name."""
    links = [found for found in Read(answer.body.decode()).all("a") if (found.get("href") or "").startswith("data:")]
    return {str(found["download"]): base64.b64decode(str(found["href"]).partition("base64,")[2]) for found in links}


# --- the way through it ----------------------------------------------------------------------------------------------


def test_a_form_becomes_a_comment_that_the_office_states(served: Served, tmp_path: Path) -> None:
    before = served.size()
    review = send(served, {"text": TEXT, "about": "anexo", "position": "for", "name": "Ana", "lang": "quc"})
    page = Read(review.body.decode())

    assert served.size() == before  # nothing yet
    assert "FORMULARIO , de MESA , declara con su propia llave" in page.text
    assert "Que se publique el acta. Y las cifras." in page.text
    assert [mark["aria-current"] for mark in page.all("li") if "aria-current" in mark][-1] == "step"

    answer = send(served, hidden(review), "confirm")
    served.folded()
    kept = files(answer)
    (receipt,) = [content for name, content in kept.items() if name.endswith(".tlog-proof")]
    (private,) = [content for name, content in kept.items() if name.endswith(".private.json")]
    verified = verify_receipt(receipt, parse_policy(served.get("/policy").body))
    said = plaza.statement_of(served, verified.entry.index)
    file = json.loads(private)

    assert (said["kind"], said["channel"], said["about"], said["position"]) == (
        "CommentTranscribed", "web_form", "anexo", "for",
    )  # fmt: skip
    assert said["by"] == [{"actor": "formulario", "key": w.public("formulario"), "role": "transcriber"}]
    assert said["lang"] == "quc"
    assert file["statement"] == verified.entry.opened.identity
    assert claim_of(bytes.fromhex(file["secret"])) == said["claim"]
    (content,) = file["contents"]
    assert content["content"] == {"text": TEXT, "name": "Ana"}  # as it was written, and no place
    salt = bytes.fromhex(content["salt"])
    assert (
        salted_digest(salt, w.ORIGIN, w.public("formulario"), Content(text=TEXT, name="Ana")) == said["salted_digest"]
    )
    assert "Usted no lo firmó" in Read(answer.body.decode()).text
    assert answer.headers["cache-control"] == "no-store"

    # The command reads the file that the page gave.
    (tmp_path / "c.tlog-proof").write_bytes(receipt)
    (tmp_path / "c.private.json").write_bytes(private)
    (tmp_path / "policy").write_bytes(served.get("/policy").body)
    assert run(["verify", str(tmp_path / "c.tlog-proof"), "--policy", str(tmp_path / "policy")]) == 0


def test_the_secret_is_kept_nowhere(served: Served) -> None:
    answer = registered(served, text="Un secreto aparte.")
    (private,) = [content for name, content in files(answer).items() if name.endswith(".private.json")]
    secret = json.loads(private)["secret"]
    served.folded()
    for path in served.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert secret.encode() not in content, path
            assert bytes.fromhex(secret) not in content, path


def test_the_same_form_sent_again_is_the_same_comment(served: Served) -> None:
    sealed = hidden(send(served, PLAIN))
    first, again = send(served, sealed, "confirm"), send(served, sealed, "confirm")
    size = served.size()
    assert files(first) == files(again) or list(files(first)) == list(files(again))
    assert size == served.size()
    other = send(served, hidden(send(served, PLAIN)), "confirm")
    assert list(files(other)) != list(files(first))


def test_one_goes_back_with_all_that_was_written(served: Served) -> None:
    fields = {"text": plaza.HOSTILE, "about": "anexo", "position": "against", "name": 'A "B" <i>', "lang": "quc"}
    page = Read(send(served, hidden(send(served, fields)), "write").body.decode())
    assert (page.wrong, page.open) == ([], [])
    assert [found["value"] for found in page.all("input", name="name")] == [fields["name"]]
    assert [found["value"] for found in page.all("option") if "selected" in found] == ["anexo", "quc"]
    assert [found["value"] for found in page.all("input", name="position") if "checked" in found] == ["against"]


def test_a_reply_stays_a_reply(served: Served) -> None:
    first = index_of(registered(served))
    served.folded()
    form = served.get(f"/consultas/{plaza.OPEN}/comentar?responde={first}", accept="text/html")
    reply = hidden(form)["reply_to"]
    assert reply == served.get(f"/api/entries/{first}").json["data"]["identity"]
    answer = registered(served, text="Respondo.", reply_to=reply)
    served.folded()
    assert plaza.statement_of(served, index_of(answer))["reply_to"] == reply


def test_hostile_texts_are_texts(served: Served) -> None:
    review = send(served, dict.fromkeys(("text", "name", "place"), plaza.HOSTILE))
    answer = send(served, hidden(review), "confirm")
    served.folded()
    follow = served.get(f"/comentarios/{index_of(answer)}", accept="text/html")
    for each in (review, answer, follow):
        page = Read(each.body.decode())
        assert (page.wrong, page.open) == ([], [])
        assert all("src" in found or found.get("id") == "words" for found in page.all("script"))
        assert page.all("b") == []
        assert "7*7" in each.body.decode()
    (private,) = [content for name, content in files(answer).items() if name.endswith(".private.json")]
    assert json.loads(private)["contents"][0]["content"]["text"] == plaza.HOSTILE


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n\t "}, "text"),
        ({"text": "x" * 4_001}, "text"),
        ({"text": "ñ" * 4_000 + "ñ"}, "text"),
        ({"text": "🌽" * 2_100}, "text"),  # few characters, and too many bytes
        ({"text": "a", "name": "x" * 4_001}, "name"),
        ({"text": "a", "place": "x\0"}, "place"),
        ({"text": "a", "about": "no-hay"}, "about"),
    ],
)
def test_what_cannot_be_registered_is_told_by_its_field(served: Served, fields: dict[str, str], field: str) -> None:
    for step in ("review", "confirm"):
        answer = send(served, fields, step)
        page = Read(answer.body.decode())
        assert answer.status == 422
        assert [link for link in page.links if link.startswith("#") and link != "#contenido"] == [f"#{field}"]
        assert [found.get("aria-invalid") for _, found in page.elements if found.get("id") == field] == ["true"]


def test_as_much_as_fits_is_taken(served: Served) -> None:
    registered(served, text="ñ" * 4_000, name="🌽" * 2_000, place="x" * 4_000)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://otro.example"},
        {"origin": "null"},
        {"referer": "https://otro.example/gt/consultas/abierta/comentar"},
        {"sec-fetch-site": "cross-site", "origin": "HERE"},
    ],
)
def test_a_foreign_page_submits_nothing_in_a_visitors_name(served: Served, headers: dict[str, str]) -> None:
    size = served.size()
    here = {name: value.replace("HERE", f"http://127.0.0.1:{served.port}") for name, value in headers.items()}
    sealed = hidden(send(served, PLAIN))
    answer = send(served, sealed, "confirm", headers=here)
    assert answer.status == 403
    assert "No se envió desde su propia página" in answer.body.decode()
    assert served.size() == size


@pytest.mark.parametrize("name", ["origin", "referer"])
def test_an_older_browser_names_the_page_that_it_sends_from(served: Served, name: str) -> None:
    here = f"http://127.0.0.1:{served.port}" + ("/gt/consultas/abierta/comentar" if name == "referer" else "")
    assert send(served, PLAIN, headers={name: here}).status == 200


def test_pages_with_the_form_tell_their_own_host_where_a_form_comes_from(served: Served) -> None:
    page = served.get(f"/consultas/{plaza.OPEN}/comentar", accept="text/html")
    assert page.headers["referrer-policy"] == "same-origin"
    assert send(served, PLAIN).headers["referrer-policy"] == "same-origin"
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"text=a", FORM, 400),
        (b"%zz", FORM, 400),
        (b"text=%ff", FORM, 400),
        ("text=ñ".encode(), FORM, 400),
        (written(otra="b"), FORM, 400),
        (written() + b"&text=b", FORM, 400),
        (written(lang="xx"), FORM, 400),
        (written(position="quizás"), FORM, 400),
        (written(reply_to="0" * 64), FORM, 400),
        (written(step="confirm"), FORM, 400),
        (written(step="confirm", salt="A" * 64, secret="0" * 64, said_at="2026-01-01T00:00:00Z"), FORM, 400),
        (written(), "multipart/form-data; boundary=x", 415),
        (b"text=" + b"a" * 140_000, FORM, 413),
    ],
)
def test_what_no_page_of_ours_sends_is_refused(served: Served, body: bytes, kind: str, status: int) -> None:
    size = served.size()
    headers = {"content-type": kind, "sec-fetch-site": "same-origin", "accept": "text/html"}
    answer = served.request("POST", f"{served.path}/consultas/{plaza.OPEN}/comentar", body, headers)
    assert answer.status == status, answer.body
    assert served.size() == size


def test_a_review_of_long_ago_is_reviewed_again(served: Served) -> None:
    sealed = hidden(send(served, PLAIN)) | {"said_at": "2026-01-01T00:00:00Z"}
    answer = send(served, sealed, "confirm")
    page = Read(answer.body.decode())
    assert answer.status == 422
    assert "Revíselo otra vez" in page.text
    assert TEXT.split("\n")[0] in page.text
    assert registered(served, **hidden(answer))


def test_forms_are_limited_by_the_measure_of_those_who_sign(tmp_path: Path) -> None:
    plaza.put_plaza(tmp_path / "gt", free_statements=2, free_statements_per_hour=1, work_iterations=1)
    with Served(tmp_path / "gt") as server:
        ready(server)
        forms = [hidden(send(server, PLAIN)) for _ in range(3)]
        assert [send(server, form, "confirm").status for form in forms] == [200, 200, 429]
        refused = send(server, forms[2], "confirm")
        assert int(refused.headers["retry-after"]) > 60
        assert "demasiados envíos desde su red" in Read(refused.body.decode()).text
        assert TEXT.split("\n")[0] in refused.body.decode()
        # What is registered is answered again; and another consultation has an allowance of its own.
        assert send(server, forms[0], "confirm").status == 200
        elsewhere = hidden(send(server, PLAIN, round_=plaza.LATE))
        assert send(server, elsewhere, "confirm", plaza.LATE).status == 200


def test_where_everybody_sends_at_once_nobodys_network_is_blamed(tmp_path: Path) -> None:
    plaza.put_plaza(tmp_path / "gt", ledger_statements_per_minute=1, work_iterations=1)
    with Served(tmp_path / "gt") as server:
        ready(server)
        forms = [hidden(send(server, PLAIN)) for _ in range(2)]
        answers = [send(server, form, "confirm") for form in forms]
        assert [answer.status for answer in answers] == [200, 429]
        assert "no puede recibirlo en este momento" in Read(answers[1].body.decode()).text


# --- windows, and where there is no form -----------------------------------------------------------------------------


def test_in_a_late_round_it_is_said_that_it_will_be_marked(served: Served) -> None:
    form = Read(served.get(f"/consultas/{plaza.LATE}/comentar", accept="text/html").body.decode())
    assert "como llegado 1 hora tarde" in form.text
    review = send(served, PLAIN, round_=plaza.LATE)
    assert "quedará marcado como tardío" in Read(review.body.decode()).text
    answer = send(served, hidden(review), "confirm", plaza.LATE)
    assert files(answer)


@pytest.mark.parametrize(("round_", "told"), [(plaza.CLOSED, "está cerrada"), (plaza.ANNOUNCED, "todavía no se abre")])
def test_a_round_that_is_not_open_has_no_form(served: Served, round_: str, told: str) -> None:
    size = served.size()
    shown = served.get(f"/consultas/{round_}/comentar", accept="text/html")
    assert told in Read(shown.body.decode()).text
    assert Read(shown.body.decode()).all("textarea") == []
    answer = Read(send(served, PLAIN, round_=round_).body.decode())
    assert told in answer.text
    assert TEXT.split("\n")[0] in answer.text
    assert served.size() == size


def test_what_arrives_after_the_close_gets_a_note_that_says_when(served: Served) -> None:
    size = served.size()
    sealed = hidden(send(served, PLAIN))  # as of a form that was reviewed while its consultation was open
    refused = send(served, sealed, "confirm", plaza.CLOSED)
    assert refused.status == 409
    assert TEXT.split("\n")[0] in refused.body.decode()
    (note,) = files(refused).values()
    said = json.loads(note.split(b"\n")[1])
    assert (said["kind"], said["code"]) == ("SubmissionRefused", "closed")
    assert served.size() == size


def test_where_no_program_is_enrolled_only_the_signed_way_is_open(tmp_path: Path) -> None:
    plaza.put_plaza(tmp_path / "gt", form=False)
    with Served(tmp_path / "gt") as server:
        ready(server)
        page = Read(server.get(f"/consultas/{plaza.OPEN}/comentar", accept="text/html").body.decode())
        assert "solo recibe comentarios firmados por su autor" in page.text
        assert "disabled" in page.all("button", id="to-review")[0]
        assert send(server, PLAIN).status == 405


def test_a_program_that_lost_its_key_takes_nothing_more(tmp_path: Path) -> None:
    world = plaza.put_plaza(tmp_path / "gt")
    with Served(tmp_path / "gt") as server:
        ready(server)
        assert send(server, PLAIN).status == 200
        plaza.say(server, world, "KeyRevoked", "formulario:holder", key=w.public("formulario"), cause="retired")
        assert send(server, PLAIN).status == 405
        assert "solo recibe comentarios firmados" in server.get(f"/consultas/{plaza.OPEN}/comentar").body.decode()


def test_the_form_is_there_in_english_too(served: Served) -> None:
    page = Read(served.get(f"/en/consultas/{plaza.OPEN}/comentar", accept="text/html").body.decode())
    assert "states in its own name" in page.text
    review = send(served, PLAIN, language="/en")
    assert "You do not sign this." in Read(review.body.decode()).text
    answer = send(served, hidden(review), "confirm", language="/en")
    assert "It is registered" in html.unescape(answer.body.decode())
