"""The work in a real browser, under the policy of our pages; also on a page over plain http, without WebCrypto."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page
from service import Served, founded_lately, put_on_disk

from api.work import MOST, Work

SOLVE = """async ([folder, challenge]) => {
    const { solve } = await import(`${folder}/work.js`);
    const told = [];
    let beats = 0;
    const heart = setInterval(() => { beats += 1; }, 5);
    const answer = await solve(challenge, (progress) => told.push(progress));
    clearInterval(heart);
    return { answer, told, beats, secure: isSecureContext };
}"""
REFUSED = """async ([folder, challenge]) => {
    const { solve } = await import(`${folder}/work.js`);
    return solve(challenge).then(() => "solved", (fault) => fault.message);
}"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("work")
    put_on_disk(founded_lately(), folder)
    with Served(folder) as server:
        server.folded()
        yield server


@pytest.fixture
def plain(
    browser: Browser, browser_type: BrowserType, browser_type_launch_args: dict[str, Any]
) -> Iterator[Callable[[], Browser]]:
    """A browser to which the server has a name that is not localhost, so that its pages get no WebCrypto."""
    del browser  # it skips the test where there is no Chromium
    started: list[Browser] = []

    def start() -> Browser:
        mapped = [*browser_type_launch_args["args"], "--host-resolver-rules=MAP registro.example 127.0.0.1"]
        how: dict[str, Any] = {**browser_type_launch_args, "args": mapped}
        started.append(browser_type.launch(**how))
        return started[-1]

    yield start
    for each in started:
        each.close()


def opened(browser: Browser, served: Served, host: str = "127.0.0.1") -> tuple[Page, str, list[str]]:
    """The page that verifies, its folder of scripts, and what the console says."""
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"http://{host}:{served.port}/gt/verificar")
    found = re.search(r'src="(/static/[0-9a-f]+)/', page.content())
    assert found
    return page, found[1], said


@pytest.mark.parametrize("level", [0, 2])
def test_a_challenge_is_solved_in_a_thread_of_its_own_while_the_page_lives(
    browser: Browser, served: Served, level: int
) -> None:
    page, folder, said = opened(browser, served)
    work = Work(bytes(32), 1_000)
    found = page.evaluate(SOLVE, [folder, work.challenge(level, time.time())])
    assert work.judge(found["answer"], time.time()).level == level
    assert found["secure"]
    assert found["beats"] > 0
    dones = [one["done"] for one in found["told"]]
    assert dones == sorted(dones)
    assert {one["most"] for one in found["told"]} == {MOST << level}
    assert said == []
    page.close()


def test_without_webcrypto_the_vendored_hash_does_it(plain: Callable[[], Browser], served: Served) -> None:
    page, folder, said = opened(plain(), served, "registro.example")
    work = Work(bytes(32), 300)
    found = page.evaluate(SOLVE, [folder, work.challenge(0, time.time())])
    assert not found["secure"]
    assert work.judge(found["answer"], time.time()).level == 0
    assert said == []


@pytest.mark.parametrize(
    "changed",
    [
        {"algorithm": "SHA-1"},
        {"cost": 10**9},
        {"cost": "1000"},
        {"keyPrefix": ""},
        {"keyPrefix": "zz"},
        {"keyLength": 64},
        {"nonce": None},
        {"cost": 1, "keyPrefix": "ff" * 20},
    ],
)
def test_what_is_no_challenge_or_would_take_for_ever_is_said_and_the_page_lives(
    browser: Browser, served: Served, changed: dict[str, Any]
) -> None:
    page, folder, said = opened(browser, served)
    challenge = Work(bytes(32), 1).challenge(0, time.time())
    challenge["parameters"] |= changed
    told = page.evaluate(REFUSED, [folder, challenge])
    assert "no challenge" in told or "more work" in told
    assert page.evaluate(REFUSED, [folder, None]) == "no challenge of a kind that is known here"
    assert said == []
    page.close()
