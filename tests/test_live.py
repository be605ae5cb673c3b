"""The live world: what it answers, and that whatever goes wrong is never the model's fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.tools import Toolbox
from harness.types import ToolUnavailable, UserError
from harness.worlds.live import LiveWorld, read_address
from harness.worlds.mediawiki import is_title
from harness.worlds.pace import Pace
from tests import fake_wiki
from tests.fake_wiki import FAULTS, FakeWiki

pytest.importorskip("wikipedia")
pytest.importorskip("ddgs")


@pytest.fixture
def wiki() -> Iterator[FakeWiki]:
    with fake_wiki.running() as server:
        yield server


def world_on(wiki: FakeWiki, search: str = "wiki", seconds: float = 1.0) -> LiveWorld:
    return LiveWorld(f"{wiki.api},search={search}", seconds=seconds, web_url=f"{wiki.root}/html/")


def toolbox_on(wiki: FakeWiki, search: str = "wiki") -> Toolbox:
    return Toolbox(("wikipedia", "search", "calculate"), world_on(wiki, search))


# --- whatever goes wrong ------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_of_the_wiki_is_the_models(wiki: FakeWiki, fault: str) -> None:
    toolbox = toolbox_on(wiki)
    wiki.fault = fault
    for tool in ("wikipedia", "search"):
        observation = toolbox.call(tool, "Sennet")
        assert observation.outcome == "unavailable", observation
        assert observation.text.startswith(f"{tool} failed: 127.0.0.1:")
        assert "secret" not in observation.text and "http://" not in observation.text
    wiki.fault = ""
    if fault not in ("429", "maxlag", "ratelimited"):  # after these it waits as it was told
        assert toolbox.call("wikipedia", "Sennet").outcome == "ok"


@pytest.mark.parametrize("fault", ["hang", "drip", "endless", "bomb"])
def test_a_deadline_and_a_size_hold_for_the_whole_call(wiki: FakeWiki, fault: str) -> None:
    observation_seconds = []
    toolbox = toolbox_on(wiki)
    wiki.fault = fault
    for _ in range(2):
        observation_seconds.append(toolbox.call("wikipedia", "Sennet").seconds)
    assert max(observation_seconds) < 10, "25 s of dripping, or for ever, if nothing held"


@pytest.mark.parametrize("fault", ["429 once", "503 once"])
def test_a_throttled_request_is_repeated_politely(wiki: FakeWiki, fault: str) -> None:
    toolbox = Toolbox(("wikipedia",), world_on(wiki, seconds=20))
    wiki.fault = fault
    assert toolbox.call("wikipedia", "Sennet").outcome == "ok"


def test_a_redirect_within_the_host_is_followed(wiki: FakeWiki) -> None:
    toolbox = toolbox_on(wiki)
    wiki.fault = "redirect-here"
    assert toolbox.call("wikipedia", "Sennet").outcome == "ok"


def test_an_unreachable_network_is_said_before_the_run() -> None:
    with fake_wiki.running() as server:
        api = server.api
    with pytest.raises(
        UserError, match=r"cannot be reached.*--world frozen, or --world recorded:TAPE"
    ):
        LiveWorld(api)


@pytest.mark.parametrize("fault", ["403", "html", "{}"])
def test_what_is_no_wiki_is_said_before_the_run(wiki: FakeWiki, fault: str) -> None:
    wiki.site_fault = fault
    with pytest.raises(UserError, match=r"HARNESS_CONTACT|instead of JSON|not a MediaWiki"):
        world_on(wiki)


# --- titles -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    [
        *("", " ", "_", "Sennet|Varland", "Ja[pan]", "<b>", "{{x}}", "a#b", "x" * 300, ":Sennet"),
        *("../x", "a/./b", "%53ennet", "&amp;", "a\x00b", "\ud800", "a~~~b", "�"),
    ],
)
def test_a_title_that_cannot_be_is_not_even_asked_for(wiki: FakeWiki, title: str) -> None:
    world = world_on(wiki)
    asked = len(wiki.seen)
    assert not is_title(title.strip(" _")) and world.article(title) is None
    assert len(wiki.seen) == asked
    told = Toolbox(("wikipedia",), world).call("wikipedia", title).outcome
    assert told == ("not_found" if title.strip() else "bad_argument")


@pytest.mark.parametrize(
    "title", ["C++", "AC/DC", "Who?", "100%", "東京", "A & B", "Jay-Z", "Mercury (planet)"]
)
def test_a_title_with_odd_signs_is_a_title(title: str) -> None:
    assert is_title(title)


# --- manners ------------------------------------------------------------------------------


def test_requests_say_who_asks(wiki: FakeWiki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CONTACT", "someone@example.org")
    world_on(wiki).article("Sennet")
    for params, headers in wiki.seen:
        assert (
            headers["User-Agent"].startswith("react-harness/")
            and "(someone@example.org)" in headers["User-Agent"]
        )
        assert params["maxlag"] == "5"
        assert "Authorization" not in headers


def test_a_contact_cannot_forge_a_header(wiki: FakeWiki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CONTACT", "a@b\r\nX-Evil: 1")
    with pytest.raises(UserError, match="HARNESS_CONTACT"):
        world_on(wiki)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_a_gap_lies_between_requests_whoever_makes_them() -> None:
    clock = Clock()
    pace = Pace(2.0, clock, clock.sleep)
    for _ in range(5):
        pace.wait(1e9)
    assert len(clock.slept) == 4 and all(2.0 <= seconds <= 3.0 for seconds in clock.slept)
    assert len(set(clock.slept)) == 4, "with jitter"


def test_backing_off_doubles_holds_for_all_and_keeps_deadlines() -> None:
    clock = Clock()
    pace = Pace(0.0, clock, clock.sleep)
    for attempt in range(3):
        pace.back_off(attempt)
        pace.wait(1e9)
    assert 1 <= clock.slept[0] <= 1.5 and 2 <= clock.slept[1] <= 3 and 4 <= clock.slept[2] <= 6
    pace.back_off(0, asked=30)
    with pytest.raises(ToolUnavailable, match="told to wait"):
        pace.wait(clock.now + 10)


# --- where it may ask ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        *(
            "evil.example/#",
            "en.evil",
            "EN",
            "en/",
            "en@evil",
            "en,search=bing",
            "en,lang=ja",
            "ja,",
        ),
        *("ftp://x/api.php", "file:///etc/api.php", "https://x/", "https://x/w/api.php?key=1"),
        *("http://169.254.169.254/w/api.php", "http://2130706433/w/api.php"),
        *("http://[::ffff:127.0.0.1]/w/api.php", "http://127.1/w/api.php"),
        *("http://localhost.evil/w/api.php", "https://user:pass@x/w/api.php"),
    ],
)
def test_only_a_language_or_a_plain_api_address_is_taken(place: str) -> None:
    with pytest.raises(UserError, match="--world live") as error:
        read_address(place)
    assert "pass@" not in str(error.value)


def test_places() -> None:
    assert read_address("").api == "https://en.wikipedia.org/w/api.php"
    assert read_address("ja").api == "https://ja.wikipedia.org/w/api.php"
    assert read_address("zh-yue,search=wiki").engine == "wiki"
    assert (
        read_address("https://wiki.example/w/api.php").id
        == "live:https://wiki.example/w/api.php,search=duckduckgo"
    )


def test_two_worlds_in_one_process_keep_apart(wiki: FakeWiki) -> None:
    import wikipedia

    before = wikipedia.wikipedia.API_URL
    with fake_wiki.running() as other:
        first, second = world_on(wiki), world_on(other)
        count = len(other.seen)
        assert first.article("Sennet") and len(other.seen) == count
        assert second.article("Sennet") and len(other.seen) > count
    assert before == wikipedia.wikipedia.API_URL, "and leave the package as it was"


# --- the web ------------------------------------------------------------------------------


def test_a_web_search_gives_title_host_and_text(wiki: FakeWiki) -> None:
    observation = toolbox_on(wiki, "duckduckgo").call("search", "lake")
    assert (observation.outcome, observation.text) == (
        "ok",
        '"Sennet - a lake (lakes.example)": Sennet is a lake.',
    )


def test_no_results_and_no_answer_are_told_apart(wiki: FakeWiki) -> None:
    assert toolbox_on(wiki, "duckduckgo").call("search", "nothing").outcome == "not_found"


@pytest.mark.parametrize(
    "query", ["puzzle", "throttled", "refused", "teapot", "busy", "broken", "away", "blank"]
)
def test_throttling_is_never_no_result(wiki: FakeWiki, query: str) -> None:
    assert toolbox_on(wiki, "duckduckgo").call("search", query).outcome == "unavailable"
