"""What people write for a number, a date, a name or a list, and what only looks like it.

Each row is a target and texts for it, divided by bars: right as written, right leniently at
least, or wrong.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scoring.answers import match
from harness.scoring.numbers import find_quantities
from harness.types import AnswerType, Target

RIGHT, LENIENT, WRONG = "right", "leniently right", "wrong"
UNSEEN = {
    "<thin>": "\u2009",
    "<narrow>": "\u202f",
    "<nbsp>": "\u00a0",
    "<wide>": "\u3000",
    "<variant>": "\U000e0101",
    "<line>": "\n",
}


def rows(table: str) -> list[tuple[str, str, str]]:
    """Lines "accepted :: unit :: text | text", the unit left out where there is none."""
    made = []
    for line in table.strip().splitlines():
        gold, *unit, texts = line.split(" :: ")
        for text in texts.split(" | "):
            for name, character in UNSEEN.items():
                text = text.replace(name, character)
            made.append((gold, unit[0] if unit else "", text))
    return made


def grade(kind: AnswerType, gold: str, text: str, unit: str = "") -> str:
    verdict = match(Target(kind, (gold,), unit=unit), text, "en" if text.isascii() else "ja")
    return RIGHT if verdict.strict else LENIENT if verdict.lenient else WRONG


# --- numbers ----------------------------------------------------------------------------

NUMBERS = r"""
2700000 :: 2,700,000 | 2 700 000 | 2<thin>700<thin>000 | 2<nbsp>700<narrow>000
2700000 :: 2'700'000 | 2’700’000 | 2.700.000 | 2.700.000,00 | 2_700_000 | 27,00,000
2700000 :: 2\,700\,000 | 2{,}700{,}000 | $2{,}700{,}000$ | \boxed{2700000} | ２，７００，０００
2700000 :: 2.7 million | 2.7M | 2.7 mn | 2,700k | 2700 thousand | 27 lakh | 0.27 crore
2700000 :: two million seven hundred thousand | Two million, seven hundred thousand
2700000 :: 2.7e6 | 2.7E+06 | 2.7 × 10⁶ | 2.7x10^6 | 2.7*10**6 | $2.7 \times 10^{6}$
2700000 :: 270万 | 二百七十万 | 2百70万
8000000000 :: 8bn | 8B | 8 billion | 80億 | eight billion
350 :: 3.5 hundred | three hundred and fifty | three hundred fifty | 三百五十 | 三五〇
1700 :: seventeen hundred | 1.7 thousand | 1.7k | 1.7K | 千七百 | 1 700
1868 :: eighteen sixty-eight | 一八六八 | 千八百六十八年 | 明治元年
1905 :: nineteen oh five | nineteen hundred and five
3.5 :: three and a half | 3 1/2 | 3½ | 3 and 1/2 | 3 and a half | 7/2 | 三・五 | 3と2分の1
3.5 :: three point five | 3.50 | $3\frac{1}{2}$ | seven halves
0.4 :: two fifths | 2/5 | two-fifths | 5分の2 | 五分の二 | \frac{2}{5} | .4 | 〇・四
0.25 :: a quarter | one quarter | quarter | one-fourth | ¼
0.5 :: 半分 | one-half | a half
250000 :: a quarter of a million | quarter of a million | a quarter million
2500000 :: two and a half million | 2½ million | 2 1/2 million
6 :: half a dozen | half-dozen | six | 六つ | むっつ | 六
48 :: four dozen | 4 dozen | 4ダース
0 :: zero | ゼロ | nought | nil | 〇 | 零
-8 :: minus eight | -8 | −8 | negative 8 | マイナス8 | 8 below zero
0.003 :: 3×10⁻³ | 3e-3 | three thousandths | 0.003
7 :: about 7 | 7 (seven) | x = 7 | **7** | 7. | #7 | 約7 | 7です | $7$ | \(7\) | 7 or so
37.5 :: percent :: 37.5% | 37.5 per cent | 3割7分5厘 | 三割七分五厘 | 37.5％ | 375‰ | $37.5\%$
"""
NOT_NUMBERS = r"""
7 :: 7th | the seventh | 7番目 | 第7 | 7+ | ≥7 | >= 7 | =>7 | <7 | ≤ 7 | ±7 | 7以上 | 7個以下 | 7人未満
7 :: at least 7 | up to 7 | 7 or more | 7 books or fewer | nearly 7 | almost seven | 7 minimum | 7弱 | 7足らず
7 :: 7 1/3 | 7⅓ | 7/3 | seven thirds | 7 and a half | seven and a half | 7.5 | 7・5 | 7分の1
7 :: 7k | 7M | 7bn | 7 mil | 7 grand | 7 dozen | 7 hundred | 7 lakh | 7万 | 7千 | 七百 | seven hundred
7 :: 7e2 | 7e200 | 7×10² | 7^2 | 7² | √7 | 7π | 7% | 7‰ | 7割 | 7 squared | twice 7 | half of 7
7 :: 7,000 | 7 000 | 7'000 | 7_000 | 7,5 | 7.0.1 | 7-8 | 7 to 8 | 7:30 | 7 + 7 | 7 x 7 | seven times seven
7 :: seventy-first | 七半 | 8, not 7 | not 7, not 8 | -7 | minus seven | 7 below zero | not 7 | 7 is wrong | 7 isn't right | 7ではない | 7 or 8 | 70s
1 :: one third | one half | a third | no one | one of them | 1st | one million | 1/4 | 1,2 | 1 2 3
1980 :: the 1980s | 1980's | 1980年代 | 1980–85
100 :: 数百 | hundreds | several hundred | 百万 | 百五
12 :: 二千十二年 | 12/25 | 12th | 1012₂ | B12 | dozens
1101 :: 1101₂
"""

MEASURES = r"""
105 :: minutes :: 1 h 45 min | 1h45 | 1h45m | 1 hour 45 minutes | 1 hour, 45 minutes | 1 hr. 45 min.
105 :: minutes :: one hour and forty-five minutes | 1時間45分 | 一時間四十五分 | 1.75 hours | 1¾ hours | 6300 s | 105
30 :: minutes :: half an hour | 半時間 | 0.5 h | 1/2 hour | 30 mins
20 :: minutes :: a third of an hour | 1/3 hour | 1200 seconds
210 :: minutes :: 3時間半 | three and a half hours | three hours and a half | 3½ h
90 :: seconds :: a minute and a half | 1 min 30 s | 1分30秒 | 1.5 minutes
3 :: days :: 72 hours | 3日間 | three days | 4320 minutes
18 :: months :: 1.5 years | a year and a half | 1年半 | 1年6か月 | 18ヶ月 | 1 year 6 months
74 :: inches :: 6 ft 2 in | 6'2" | 6′ 2″ | 6 feet 2 inches | six feet two inches | 74<nbsp>in
1.65 :: m :: 165 cm | 1 m 65 cm | 1m65cm | 1650 mm | 1メートル65センチ | 0.00165 km | 1.65 metres tall
12 :: km :: 12 kilometres | 12キロ | 12,000 m | 12 km in total | 12 | 12 in all
12 :: kg :: 12キロ | 12 kilos | 12 000 g | 0.012 tonnes
3 :: km2 :: 3 km² | 3 sq km | 3 square kilometres | 3平方キロメートル | 300 hectares | 3 km squared | 3 km^2
5 :: litres :: 5000 ml | 5000 cm³ | 5000 cc | 5リットル | 0.005 m3
25 :: celsius :: 25 °C | 25℃ | 25 degrees | 摂氏25度 | 77 °F | 77 degrees Fahrenheit | 華氏77度 | 298.15 K
-10 :: celsius :: 10 below zero | 氷点下10度 | 14 °F | 10 degrees below zero
90 :: km/h :: 90 kph | 90 kilometres per hour | 25 m/s | 時速90キロ | 90 km/h
2 :: GB :: 2000 MB | 2 gigabytes | 16 Gb | 2ギガバイト
4096 :: MiB :: 4 GiB
15000 :: yen :: ¥15,000 | 15,000円 | 1万5千円 | 1.5万円 | 15k yen
7.25 :: dollars :: $7.25 | 7 dollars and 25 cents | 725 cents | US$7.25
4200000 :: dollars :: $4.2M | $4.2m | $4.2 million | 4.2m dollars
9 :: pounds :: £9 | 9 lb | 9 pounds
8300 :: people :: 8,300 inhabitants | 8.3 thousand | 8.3k people | 8300人 | 8,300
12 :: books :: a dozen books | 12 old books | 12
"""
SEVERAL = """
212 :: km :: 132 miles (212 km) | 212 km (132 miles) | It took 3 hours for 212 km
8300 :: people :: 8,300 in 2011 | In 2011, 8,300 people lived there
41 :: 41, not 42 | not 42 but 41 | 41 rather than 42
8300 :: 人 :: 2011年に8300人
"""

OTHER_MEASURES = r"""
12 :: km :: 12 miles | 12 m | 12 km/h | 12 km² | 12 kg | 12 versts | 12 minutes | 12 nautical miles | 12海里
12 :: minutes :: 12 hours | 12 seconds | 12 m | 12 m/s | 12時間 | 0.2 days
25 :: celsius :: 25 °F | 25 Fahrenheit | 25 K | 華氏25度 | 25 Rankine
12 :: kg :: 12 lb | 12 pounds | 12 stone | 12 litres | 12 g
900 :: yen :: $900 | 900 won | 900 rupees | €900 | 900 pesos | 900 doubloons | 900ドル
8 :: percent :: 0.08 | 8‰ | 8割 | 8 km
2 :: GB :: 2 MB | 2 GiB | 2 Gb
12 :: books :: 12 km | 12% | $12
90 :: km/h :: 90 mph | 90 km | 90 m/s
2 :: 2 h 30 min | 2 ft 6 in
"""


@pytest.mark.parametrize(("gold", "unit", "text"), rows(NUMBERS) + rows(MEASURES))
def test_another_spelling_of_a_number_is_that_number(gold: str, unit: str, text: str) -> None:
    assert grade("number", gold, text, unit) == RIGHT


@pytest.mark.parametrize(("gold", "unit", "text"), rows(NOT_NUMBERS) + rows(OTHER_MEASURES))
def test_what_means_another_number_or_none_is_wrong(gold: str, unit: str, text: str) -> None:
    assert grade("number", gold, text, unit) == WRONG


@pytest.mark.parametrize(("gold", "unit", "text"), rows(SEVERAL))
def test_one_number_of_several_is_singled_out(gold: str, unit: str, text: str) -> None:
    assert grade("number", gold, text, unit) == LENIENT


# --- dates ------------------------------------------------------------------------------

DATES = r"""
1847-03-09 :: 9 March 1847 | 9th of March, 1847 | the ninth of March 1847 | March ninth, 1847 | 9-Mar-1847
1847-03-09 :: 1847 March 9 | 1847-Mar-09 | 9/Mar/1847 | 1847/3/9 | 1847.03.09 | 18470309 | Tue 9 March 1847
1847-03-09 :: March 9, 1847 AD | March 9, A.D. 1847 | 1847-03-09T10:00:00Z | 9 March 1847, 10:30
1847-03-09 :: 1847年3月9日 | 西暦1847年3月9日（火） | 千八百四十七年三月九日 | 一八四七年三月九日
1950-11-23 :: 昭和25年11月23日 | 昭和二十五年十一月二十三日 | S25.11.23 | 1950年(昭和25年)11月23日 | Showa 25, November 23
1847-03 :: March 1847 | 1847 March | March of 1847 | 03/1847 | 1847年3月 | 9 March 1847
1847 :: 1847 | in 1847 | the year 1847 | mid-1847 | 1847 CE | 千八百四十七年 | 9 March 1847
2019 :: 令和元年 | R1年 | 平成31年 | Reiwa 1
1866 :: 慶応2年
70 AD :: AD 70 | 70 CE | A.D. 70 | 70年 | 西暦70年
70 :: AD 70 | 70
0070-08-04 :: 4 August 70 AD | August 4, AD 70 | 70年8月4日
31 BC :: 31 B.C. | 31 BCE | BC 31 | 紀元前31年 | 前三十一年 | 2 September 31 BC
2 September 31 BC :: September 2, 31 BC | 紀元前31年9月2日
"""
NOT_DATES = r"""
1847-03-09 :: before 9 March 1847 | after March 9, 1847 | until 9 March 1847 | since 9 March 1847 | by 9 March 1847
1847-03-09 :: the day after 9 March 1847 | 9-10 March 1847 | March 9-10, 1847 | 8 to 9 March 1847 | 9 or 10 March 1847
1847-03-09 :: 1847年3月9日以前 | 1847年3月9日以降 | 1847年3月9日まで | 1847年3月9日頃 | 1847年3月9日〜11日
1847-03-09 :: 3/9/1847 | 9 March 47 | 9 March | March 1847 | 9 March 1847 BC | 9 March 1847 is wrong | not 9 March 1847
1847-03 :: March or April 1847 | March–April 1847 | before March 1847 | 1847
1847 :: before 1847 | after 1847 | c. 1847 | ca 1847 | around 1847 | ~1847 | 1847? | 1847 ± 1 | pre-1847 | as early as 1847
1847 :: 1847-1850 | 1847–50 | from 1847 | from 1847 to 1850 | 1847 onwards | 1847 or later | the 1840s | 1847 BC
1847 :: 1847年以前 | 1847年以降 | 1847年頃 | 1847年ごろ | 1847年まで | 1847年から1850年 | 1840年代 | 1846 or 1847
70 AD :: 70 BC | 1970 | 70 | '70
31 BC :: 31 AD | 31 | 31年
"""


@pytest.mark.parametrize(("gold", "_", "text"), rows(DATES))
def test_another_spelling_of_a_date_is_that_date(gold: str, _: str, text: str) -> None:
    assert grade("date", gold, text) == RIGHT


@pytest.mark.parametrize(("gold", "_", "text"), rows(NOT_DATES))
def test_bounds_guesses_and_ranges_are_no_dates(gold: str, _: str, text: str) -> None:
    assert grade("date", gold, text) == WRONG


# --- names ------------------------------------------------------------------------------

NAMES = r"""
Włocławek :: Wloclawek
Sønderborg :: Sonderborg | Soenderborg
Đakovo :: Dakovo
Æsop :: Aesop
Nürnberg :: Nurnberg | Nuernberg
İzmir :: Izmir | IZMIR
Molokaʻi :: Molokai | Moloka'i | Moloka’i
C. S. Lewis :: C.S. Lewis | CS Lewis | C S Lewis
Marks and Spencer :: Marks & Spencer
葛飾 :: 葛<variant>飾
沢田 :: 澤田
大学 :: 大學
鎌ケ谷 :: 鎌ヶ谷 | 鎌が谷 | 答えは鎌ヶ谷です
御茶ノ水 :: 御茶の水
プリンター :: プリンタ
Lisbon :: It is Lisbon. | not Porto but Lisbon | It is not Porto, it is Lisbon | Lisbon, not Porto
Lisbon :: Lisbon rather than Porto | Lisbon, Portugal
奈良 :: 京都ではなく奈良
"""
DENIED = r"""
Lisbon :: not Lisbon | Porto, not Lisbon | Lisbon is not | Lisbon is not the capital | Lisbon isn't right
Lisbon :: Lisbon is wrong | Lisbon was never it | Lisbon, which is incorrect | Lisbon? No | everything but Lisbon
Lisbon :: Porto rather than Lisbon | other than Lisbon | neither Lisbon nor Porto | Lisbon or Porto | Lisbon/Porto
奈良 :: 奈良ではない | 奈良は違います | 奈良は間違い | 奈良以外 | 奈良か京都 | 京都か奈良 | 奈良や京都 | 奈良、京都
"""


@pytest.mark.parametrize(("gold", "_", "text"), rows(NAMES))
def test_another_spelling_of_a_name_is_leniently_right(gold: str, _: str, text: str) -> None:
    assert grade("string", gold, text) in (RIGHT, LENIENT)


@pytest.mark.parametrize(("gold", "_", "text"), rows(DENIED))
def test_a_name_that_is_denied_or_one_of_two_is_wrong(gold: str, _: str, text: str) -> None:
    assert grade("string", gold, text) == WRONG


def test_a_character_nobody_sees_makes_no_difference() -> None:
    assert grade("string", "葛飾", "葛\U000e0101飾") == RIGHT
    assert grade("string", "☂ Club", "☂\ufe0f Club") == RIGHT


# --- lists ------------------------------------------------------------------------------

LISTS = r"""
Antigua and Barbuda; Haiti :: Haiti and Antigua and Barbuda | Antigua and Barbuda, Haiti
Portland, Maine; Boston :: Boston and Portland, Maine | Portland, Maine; Boston | ["Boston", "Portland, Maine"]
AC/DC; Queen :: Queen / AC/DC | AC/DC and Queen
oak; elm; ash :: oak, elm, ash | oak, elm and ash | oak; elm; and ash | oak & elm & ash | (oak, elm, ash) | {oak, elm, ash} | **oak, elm, ash**
oak; elm; ash :: ["oak", "elm", "ash"] | ['oak', 'elm', 'ash'] | "oak", "elm" and "ash" | [oak, elm, ash]. | oak/elm/ash
杉; 松; 桧 :: 杉、松、桧 | 杉・松・桧 | 杉と松と桧 | 杉，松，桧 | 「杉」「松」「桧」 | 杉、松、そして桧です | 杉；松；桧
1200; 3500 :: 1,200 and 3,500 | 1,200, 3,500 | 1200; 3500 | [1200, 3500]
1847; 1902 :: 1847年、1902年 | 1847年と1902年 | 1847 and 1902
"""
LOOSE_LISTS = r"""
oak; elm; ash :: 1. oak 2. elm 3. ash | 1) oak, 2) elm, 3) ash | oak|elm|ash | - oak<line>- elm<line>- ash | 1. oak<line>2. elm<line>3. ash
oak; elm; ash :: * oak<line>* elm<line>* ash | • oak • elm • ash | Trees:<line>- oak<line>- elm<line>- ash | oak → elm → ash | The trees are oak, elm and ash
杉; 松; 桧 :: ①杉②松③桧 | 1. 杉<line>2. 松<line>3. 桧 | ・杉<line>・松<line>・桧 | 杉<wide>松<wide>桧 | 木は杉と松と桧です
1200; 3500 :: $1,200 and $3,500 | ¥1,200と¥3,500 | 1200円、3500円
"""
NOT_LISTS = r"""
oak; elm; ash :: oak, elm | oak, elm or ash | oak, elm, not ash | oak, elm, ash, fir | The trees are not oak, elm and ash
Antigua and Barbuda; Haiti :: Antigua, Barbuda, Haiti | Antigua and Haiti
Portland, Maine; Boston :: Portland, Boston
杉; 松; 桧 :: 杉、松 | 杉か松か桧
"""


@pytest.mark.parametrize(("gold", "_", "text"), rows(LISTS))
def test_a_list_is_read_however_it_is_divided(gold: str, _: str, text: str) -> None:
    assert grade("list", gold, text) == RIGHT


@pytest.mark.parametrize(("gold", "_", "text"), rows(LOOSE_LISTS))
def test_a_list_with_marks_or_a_lead_in_is_leniently_right(gold: str, _: str, text: str) -> None:
    assert grade("list", gold, text) in (RIGHT, LENIENT)


@pytest.mark.parametrize(("gold", "_", "text"), rows(NOT_LISTS))
def test_a_list_with_other_items_is_wrong(gold: str, _: str, text: str) -> None:
    assert grade("list", gold, text) == WRONG


def test_no_character_in_an_answer_stands_for_a_name_of_the_target() -> None:
    assert grade("list", "Antigua and Barbuda; Haiti", "\ue000, Haiti") == WRONG


# --- any number, any grouping -----------------------------------------------------------

GROUP_MARKS = (",", " ", "\u2009", "\u202f", "\u00a0", "'", "’", "_", r"\,", "{,}")


def read(text: str) -> list[Fraction | None]:
    return [quantity.value for quantity in find_quantities(text)]


@given(st.integers(0, 10**30), st.sampled_from(GROUP_MARKS), st.integers(0, 999))
def test_a_number_in_any_grouping_reads_back(whole: int, mark: str, decimals: int) -> None:
    text = f"{whole:,}".replace(",", mark)
    assert read(text) == [whole]
    assert read(f"{text}.{decimals:03d}") == [whole + Fraction(decimals, 1000)]
    wide = str.maketrans("0123456789,.", "０１２３４５６７８９，．")
    assert read(f"{whole:,}".translate(wide)) == [whole]


@given(st.integers(10**6, 10**30), st.integers(0, 999))
def test_groups_by_dots_read_back(whole: int, decimals: int) -> None:
    text = f"{whole:,}".replace(",", ".")
    assert read(text) == [whole]
    assert read(f"{text},{decimals:03d}") == [whole + Fraction(decimals, 1000)]


ONES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety"


def in_words(n: int) -> str:
    ones, tens = ONES.split(), TENS.split()
    if n < 20:
        return ones[n]
    if n < 100:
        return tens[n // 10] + (f"-{ones[n % 10]}" if n % 10 else "")
    if n < 1000:
        return f"{ones[n // 100]} hundred" + (f" and {in_words(n % 100)}" if n % 100 else "")
    for size, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand")):
        if n >= size:
            rest = n % size
            joint = "" if not rest else ", " if rest >= 100 else " and "
            return f"{in_words(n // size)} {name}{joint}{in_words(rest) if rest else ''}"
    raise AssertionError(n)


def in_kanji(n: int) -> str:
    if not n:
        return "零"
    text = ""
    for size, name in ((10**12, "兆"), (10**8, "億"), (10**4, "万")):
        if n >= size:
            text, n = text + in_kanji(n // size) + name, n % size
    for size, name in ((1000, "千"), (100, "百"), (10, "十")):
        if n >= size:
            digit = n // size
            text, n = text + ("" if digit == 1 else "〇一二三四五六七八九"[digit]) + name, n % size
    return text + ("〇一二三四五六七八九"[n] if n else "")


@given(st.integers(0, 10**12 - 1))
def test_a_number_in_words_or_kanji_reads_back(n: int) -> None:
    assert read(in_words(n)) == [n]
    assert read(in_kanji(n)) == [n]
    assert read("".join("〇一二三四五六七八九"[int(digit)] for digit in str(n))) == [n]


@given(
    st.integers(1, 10**9),
    st.sampled_from(["", ",", ".", "'", "_", "e", "/", " 1/", "×10^", "^", "万", "百", ":"]),
    st.integers(2, 99),
)
def test_the_first_figures_of_a_longer_number_are_never_taken_for_it(
    n: int, mark: str, more: int
) -> None:
    for text in (f"{n}{mark}{more}", f"{n}{mark}{more}th", f"{n}{mark}{more} million"):
        verdict = match(Target("number", (str(n),)), text)
        assert not verdict.lenient, text


TAILS = "th k bn 万 分の1 + % ‰ ⅓ /7 割 番目"


@given(st.integers(2, 10**6), st.sampled_from(TAILS.split()))
def test_what_hangs_on_a_number_changes_it(n: int, tail: str) -> None:
    assert not match(Target("number", (str(n),)), f"{n}{tail}").lenient


@given(st.fractions(min_value=0, max_value=1000, max_denominator=60))
def test_hours_and_minutes_are_the_same_time_exactly(hours: Fraction) -> None:
    target = Target("number", (str(int(hours * 3600)),), unit="seconds")
    if (hours * 3600).denominator > 1:
        return
    whole, rest = divmod(int(hours * 3600), 3600)
    assert match(target, f"{hours} hours" if hours.denominator > 1 else f"{hours} h").strict
    assert match(target, f"{whole} h {rest // 60} min {rest % 60} s").strict
    assert match(target, f"{whole}時間{rest // 60}分{rest % 60}秒").strict
