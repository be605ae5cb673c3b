"""What a model reads from its tools, word for word, and that no tool can end a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.tools import TOOLS, Toolbox, describe_tools
from harness.types import Article, Hit, ToolUnavailable, UserError
from harness.worlds.frozen import FrozenWorld, build_snapshot

LONG = "The Ember Line is a railway. " + "It has a station in every valley of the north. " * 20
ARTICLES = [
    Article(
        "Lake Sennet",
        "Lake Sennet is the deepest lake of Varland. It is 12.5 km long.\nDr. "
        "A. B. Orr measured it.",
        aliases=("Sennet",),
    ),
    Article("Varland", "Varland is an island country. Its capital is Orrin."),
    Article("Ember Line", LONG),
    Article("Endless", "so " * 400),
    Article("Mercury", meanings=("Mercury (planet)", "Mercury (element)", "Mercury (god)")),
    Article("東京", "東京は日本の首都である。" + "人が多い町である。" * 100, "ja"),
]


@pytest.fixture(scope="module")
def toolbox(tmp_path_factory: pytest.TempPathFactory) -> Toolbox:
    path = tmp_path_factory.mktemp("tools") / "world.sqlite"
    build_snapshot(ARTICLES, path)
    return Toolbox(("calculate", "wikipedia", "search"), FrozenWorld(path))


def test_the_prompt_describes_each_tool_in_two_lines(toolbox: Toolbox) -> None:
    assert describe_tools(toolbox.names) == (
        "calculate: 4 * 7 / 3\n"
        "Works out an arithmetic expression written as in Python and returns the number.\n"
        "wikipedia: Japan\n"
        "Returns the beginning of the encyclopedia article with that title.\n"
        "search: highest mountain of Japan\n"
        "Searches the encyclopedia and returns the titles and first sentences of the articles "
        "that match best."
    )


def test_a_prompt_may_offer_some_tools_only(toolbox: Toolbox) -> None:
    some = Toolbox(["search", "calculate"], toolbox.world)
    assert some.names == ("search", "calculate")
    assert some.call("wikipedia", "Japan").outcome == "unknown_tool"


@pytest.mark.parametrize(
    ("tool", "input", "outcome", "text"),
    [
        ("calculate", "4 * 7", "ok", "28"),
        (
            "calculate",
            "2^3",
            "bad_argument",
            'Error: cannot read "^" in "2^3"; write 2**3.',
        ),
        (
            "calculate",
            " ",
            "bad_argument",
            "Error: calculate was given nothing; write for example calculate: 4 * 7 / 3.",
        ),
        (
            "wikipedia",
            "",
            "bad_argument",
            "Error: wikipedia was given nothing; write for example wikipedia: Japan.",
        ),
        (
            "search",
            "\n",
            "bad_argument",
            "Error: search was given nothing; write for example search: highest mountain of Japan.",
        ),
        ("wikipedia", "Varland", "ok", "Varland is an island country. Its capital is Orrin."),
        (
            "wikipedia",
            "lake sennet",
            "ok",
            "Lake Sennet is the deepest lake of Varland. It is 12.5 km long. Dr. A. B. Orr measured it.",
        ),
        (
            "wikipedia",
            "Sennet",
            "ok",
            '(redirected to "Lake Sennet") Lake Sennet is the deepest lake '
            "of Varland. It is 12.5 km long. Dr. A. B. Orr measured it.",
        ),
        (
            "wikipedia",
            "mercury",
            "ok",
            '"Mercury" may refer to: Mercury (planet); Mercury (element); Mercury (god).',
        ),
        ("wikipedia", "Varlund", "not_found", 'No article "Varlund". Similar titles: "Varland".'),
        ("wikipedia", "Bagpipes", "not_found", 'No article "Bagpipes".'),
        ("search", "capital of an island", "ok", '"Varland": Varland is an island country.'),
        (
            "search",
            "lake or island",
            "ok",
            '"Lake Sennet": Lake Sennet is the deepest lake of Varland. '
            '| "Varland": Varland is an island country.',
        ),
        ("search", "bagpipes", "not_found", 'No results for "bagpipes".'),
        (
            "google",
            "x",
            "unknown_tool",
            'Error: no tool "google". Tools: calculate, wikipedia, search, '
            "for example calculate: 4 * 7 / 3.",
        ),
        (
            "web_search",
            "x",
            "unknown_tool",
            'Error: no tool "web_search". Tools: calculate, wikipedia, search, '
            "for example search: highest mountain of Japan.",
        ),
        (
            "G" * 90,
            "x",
            "unknown_tool",
            f'Error: no tool "{"G" * 40}". Tools: calculate, wikipedia, search, '
            "for example calculate: 4 * 7 / 3.",
        ),
        (
            "Calculate",
            "1",
            "unknown_tool",
            'Error: no tool "Calculate". Tools: calculate, wikipedia, search, '
            "for example calculate: 4 * 7 / 3.",
        ),
    ],
)
def test_what_the_model_reads(
    toolbox: Toolbox, tool: str, input: str, outcome: str, text: str
) -> None:
    observation = toolbox.call(tool, input)
    assert (observation.outcome, observation.text) == (outcome, text)


def test_what_is_not_python_is_read_where_repairs_are_on(toolbox: Toolbox) -> None:
    loose = Toolbox(toolbox.names, toolbox.world, repair=True)
    read, refused = (box.call("calculate", "5,069 * 4,387") for box in (loose, toolbox))
    assert (read.outcome, read.text, read.repairs) == ("ok", "22237703", ("grouping",))
    assert (refused.outcome, refused.repairs) == ("bad_argument", ())
    assert loose.call("calculate", "5069 * 4387").repairs == ()


def test_an_article_is_cut_at_the_end_of_a_sentence(toolbox: Toolbox) -> None:
    text = toolbox.call("wikipedia", "Ember Line").text
    assert 400 < len(text) <= 480 and text.endswith("of the north.")
    text = toolbox.call("wikipedia", "東京").text
    assert 400 < len(text) <= 480 and text.endswith("町である。")
    text = toolbox.call("wikipedia", "Endless").text
    assert len(text) <= 480 and text.endswith("so…")


def test_a_search_gives_three_first_sentences_at_most(toolbox: Toolbox) -> None:
    hits = toolbox.call("search", "railway deepest island 東京").text.split(" | ")
    assert len(hits) == 3
    assert '"Ember Line": The Ember Line is a railway.' in hits
    assert toolbox.call("search", "so").text == f'"Endless": {"so " * 39}so…'


def test_a_long_name_is_not_repeated_in_full(toolbox: Toolbox) -> None:
    for tool in ("wikipedia", "search"):
        assert len(toolbox.call(tool, "q" * 5000).text) < 200


def test_an_unknown_tool_in_a_prompt_is_the_users_mistake(toolbox: Toolbox) -> None:
    with pytest.raises(UserError, match="no tool 'wiki'; did you mean wikipedia"):
        Toolbox(["wiki"], toolbox.world)


@given(st.sampled_from([*TOOLS, "other"]), st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_input_breaks_a_tool(toolbox: Toolbox, tool: str, input: str) -> None:
    observation = toolbox.call(tool, input)
    assert observation.outcome in ("ok", "not_found", "bad_argument", "unknown_tool")
    assert 0 < len(observation.text) <= 600
    assert "\n" not in observation.text


class Broken:
    """A world that fails in the way it is told to."""

    id = "broken"

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def article(self, title: str) -> Article | None:
        raise self.failure

    def similar(self, title: str, limit: int = 3) -> list[str]:
        raise self.failure

    def search(self, query: str, limit: int = 3) -> list[Hit]:
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "detail"),
    [
        (ToolUnavailable("429,\ntoo many requests"), "429, too many requests"),
        (KeyError("query"), "KeyError: 'query'"),
        (RecursionError("too deep"), "RecursionError: too deep"),
        (ValueError("x" * 9999), "ValueError: xxx"),
    ],
)
def test_a_failing_world_is_nobodys_answer(failure: Exception, detail: str) -> None:
    toolbox = Toolbox(("wikipedia", "search", "calculate"), Broken(failure))
    for tool in ("wikipedia", "search"):
        observation = toolbox.call(tool, "Japan")
        assert observation.outcome == "unavailable"
        assert observation.text.startswith(f"{tool} failed: {detail}")
        assert len(observation.text) <= 300 and "\n" not in observation.text
    assert toolbox.call("calculate", "1+1").text == "2"


def test_a_snapshot_that_is_damaged_later_is_the_worlds_failure(tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    build_snapshot(ARTICLES, path)
    world = FrozenWorld(path)
    world.close()
    assert Toolbox(("search",), world).call("search", "Varland").outcome == "unavailable"
