"""The sentences of invented worlds: files that anybody can edit, and one clear error for a slip."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.suites.invent import LANGUAGES, reader
from harness.suites.invent.reader import load_language, read_language
from harness.types import UserError

ENGLISH = Path(reader.__file__).with_name(LANGUAGES["en"])

# What stands in english.toml => what stands there instead (↵ = a new line) => how the error
# begins.
MISSING_KEYS = """
unknown = "unknown" => => [top]: the key 'unknown' is missing
mention = "{name}" => => [kinds.town]: the key 'mention' is missing
phrase = "the area of {name}" => => [kinds.town.facts.area]: the key 'phrase' is missing
expr = "{minutes} * {n}" => => [sums]: the key 'expr' is missing
[kinds.town] => [kinds.town_] => [kinds]: no kind 'town_'; did you mean town?
river = ["Little => brook = ["Little => [names.alike]: the kind 'river' is missing
river = "{word} River" => => [names.rules]: the rule 'river' is missing
material = [ => materials = [ => [words]: the list 'material' is missing
topic = "a => topics = "a => [forms]: the form 'topic' is missing
"""
UNKNOWN_KEYS = """
says = [ => sayings = [ => [kinds.town]: no key 'sayings'; did you mean says?
space = " " => spaces = " " => [top]: no key 'spaces'; did you mean space?
town.facts.area] => town.facts.aera] => [kinds.town.facts]: no fact 'aera'; did you mean area?
unit = "metres" => units = "metres" => [kinds.town.facts.height]: no key 'units'; did you mean unit?
chance = 0.6 => chanc = 0.6 => [names.rules.novel]: no key 'chanc'; did you mean chance?
[names.rules] => [names.rule] => [names]: no key 'rule'; did you mean rules?
[forms] => [form] => [top]: no key 'form'; did you mean forms?
[words] => [words]↵fames = ["x"] => words: no use for the list 'fames'; did you mean fame?
"commas" => "comas" => thousands: no spelling 'comas'; did you mean commas?
"""
WRONG_PLACEHOLDERS = """
is {population}. => is {populaton}. => kinds.town.says: 'Its population is {populaton}.': no placeholder '{populaton}'; did you mean {population}?
is {population}. => is {population. => kinds.town.says: 'Its population is {population.': expected '}'
is {population}. => is {population:>9}. => kinds.town.says: 'Its population is {population:>9}.': no placeholder
is {population}. => is {population!r}. => kinds.town.says: 'Its population is {population!r}.': no placeholder
is {population}. => is {name.__class__}. => kinds.town.says: 'Its population is {name.__class__}.': no placeholder
is {population}. => is {his}. => kinds.town.says: 'Its population is {his}.': no placeholder '{his}'
born in {born} => a {gender} => kinds.person.says: '{He} was a {gender}.': no placeholder '{gender}'
on the {river}, known => here, known => kinds.town.leads: '{name} is a town here, known for its {fame}.': the placeholder {river} is missing
live in {name}? => live? => kinds.town.facts.population: 'How many people live?': the placeholder {name} is missing
{a} or {b}? => {a} or {c}? => kinds.town.facts.population.more: 'Which has more inhabitants, {a} or {c}?': no placeholder
Add {a} and {b}. => Add {a}. => puzzles[1]: 'Add {a}.': the placeholder {b} is missing
{author.born} => {author.age} => sums[6].expr: no fact to ask for 'age'
{author.born} => {author} => sums[6].expr: {author} is neither a number nor a year
{author.born} => 7 ** 9 => sums[6].expr: '{year} - 7 ** 9': expected arithmetic
is {than} {y} => is more => compares: '{x} is more': the placeholder {than} is missing
"Mount {word}" => "Mount {town}" => names.rules.mountain: 'Mount {town}': no placeholder '{town}'
"clock fair" => "clock {fair}" => words.fame: 'clock {fair}': no placeholder '{fair}'; there are none
Return to {name} => Return to {nam} => names.alike.novel: 'Return to {nam}': no placeholder '{nam}'
"""
WRONG_VALUES = """
["It", "The town", "{name}"] => "It" => kinds.town.subjects: expected a list, found 'It'
["It", "The town", "{name}"] => [] => kinds.town.subjects: the list is empty
["It", "The town", "{name}"] => ["It", 3] => kinds.town.subjects: expected a text, found 3
"Its population is {population}." => "" => kinds.town.says: a text is empty
less = ["Which lies lower, {a} or {b}?"] => => [kinds.town.facts.height]: expected both 'more' and 'less', or neither
["more than", "less than"] => ["more than"] => sizes: expected 2 items, found 1
[[100, 9999], [100, 9999]] => [[100, 9999], [100, 9]] => puzzles[1].ranges: expected [least, greatest]
unit = "metres" => unit = true => kinds.town.facts.height.unit: expected a text, found True
"""


CASES = f"{MISSING_KEYS}{UNKNOWN_KEYS}{WRONG_PLACEHOLDERS}{WRONG_VALUES}".splitlines()


@pytest.mark.parametrize("case", [case for case in CASES if case])
def test_a_slip_is_one_line_that_says_where_it_is(tmp_path: Path, case: str) -> None:
    old, new, said = (part.strip().replace("↵", "\n") for part in case.split("=>"))
    text = ENGLISH.read_text("utf-8")
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(UserError) as caught:
        read_language(path)
    assert str(caught.value).startswith(f"{path}: {said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [('space = " "', 'space = " ";', 0), ('unit = "metres"', 'unit = "m"\nunit = "metres"', 1)],
)
def test_what_is_not_toml_is_told_by_its_line(
    tmp_path: Path, old: str, new: str, line: int
) -> None:
    text = ENGLISH.read_text("utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    line += text[: text.index(old)].count("\n") + 1
    with pytest.raises(UserError, match=rf"mine\.toml:{line}: not TOML: "):
        read_language(path)


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_shipped_languages_are_right_and_read_once(code: str) -> None:
    assert load_language(code).code == code
    assert load_language(code) is load_language(code)


def test_a_changed_sentence_is_what_the_language_then_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = ENGLISH.read_text("utf-8")
    path.write_text(text.replace("Its population is {population}.", "{population} live in {name}."))
    assert "{population} live in {name}." in read_language(path).kinds["town"].says


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.toml: cannot be read: No such file"):
        read_language(tmp_path / "none.toml")
