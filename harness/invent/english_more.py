"""English, continued: bridges, paintings, rivers, sums, puzzles and stocks of words."""

from __future__ import annotations

from harness.invent.english import COMPANY, EARLIER, FILM, NOVEL, PERSON, TOWN
from harness.invent.english_names import NAMES
from harness.invent.wording import Fact, Kind, Language, Puzzle, Sum

BRIDGE = Kind(
    name="bridge",
    mention="{name}",
    described="the {material} bridge in {town}",
    leads=(
        "{name} is a {material} bridge in {town}.",
        "{name} is an old {material} bridge in {town}.",
        "{name} is the {material} bridge in {town}.",
    ),
    subjects=("It", "The bridge", "{name}"),
    says=(
        "It crosses the {river}.",
        "{It} leads over the {river}.",
        "{It} is {length} metres long.",
        "Its length is {length} metres.",
        "{It} is {width} metres wide.",
        "Its width is {width} metres.",
        "{It} was opened on {opened}.",
        "Its opening day was {opened}.",
        "{designer} designed it.",
        "It was designed by {designer}.",
        "It was repaired in {repair_year}.",
        "A ship struck it in {repair_year}.",
        "{It} can carry {load} tonnes.",
        "Trucks of up to {load} tonnes may cross it.",
    ),
    facts=(
        Fact(
            "length",
            "the length of {name}",
            ("How many metres long is {name}?", "What is the length of {name} in metres?"),
            unit="metres",
            more=("Which is longer, {a} or {b}?",),
            less=("Which is shorter, {a} or {b}?",),
            gap=("How many metres longer than {b} is {a}?",),
            total=("How many metres long are {a} and {b} together?",),
            times=("How many times as long as {b} is {a}?",),
        ),
        Fact(
            "width",
            "the width of {name}",
            ("How many metres wide is {name}?", "What is the width of {name} in metres?"),
            unit="metres",
            more=("Which is wider, {a} or {b}?",),
            less=("Which is narrower, {a} or {b}?",),
            gap=("How many metres wider than {b} is {a}?",),
        ),
        Fact(
            "load",
            "the load that {name} can carry",
            ("How many tonnes can {name} carry?",),
            unit="tonnes",
            more=("Which can carry more tonnes, {a} or {b}?",),
            less=("Which can carry fewer tonnes, {a} or {b}?",),
            gap=("How many tonnes more than {b} can {a} carry?",),
        ),
        Fact(
            "opened",
            "the opening day of {name}",
            ("On which day was {name} opened?", "What is the opening date of {name}?"),
            type="date",
        ),
        Fact(
            "designer",
            "the designer of {name}",
            ("Who designed {name}?", "Who was the designer of {name}?"),
            type="string",
            to="person",
        ),
        Fact(
            "river",
            "the river under {name}",
            ("Which river does {name} cross?", "Over which river does {name} lead?"),
            type="string",
            to="river",
        ),
        Fact(
            "town",
            "the town of {name}",
            ("In which town is {name}?",),
            type="string",
            to="town",
        ),
    ),
)

PAINTING = Kind(
    name="painting",
    mention="{name}",
    described="the painting of {scene}",
    leads=(
        "{name} is a painting of {scene}.",
        "{name} is a large painting of {scene}.",
        "{name} is a famous painting of {scene}.",
    ),
    subjects=("It", "The painting"),
    says=(
        "{It} was made by {painter}.",
        "{painter} painted it.",
        "Its painter is {painter}.",
        "{It} was painted in {year}.",
        "It was finished in {year}.",
        "{painter} painted it in {year}.",
        "{It} is {width} centimetres wide.",
        "Its width is {width} centimetres.",
        "{It} is {height} centimetres high.",
        "Its height is {height} centimetres.",
        "{It} hangs in {place}.",
        "It can be seen in {place}.",
        "{It} was sold for {price} crowns.",
        "A collector paid {price} crowns for it.",
        "It was cleaned in {clean_year}.",
        "It was lost until {clean_year}.",
    ),
    facts=(
        Fact(
            "width",
            "the width of {name}",
            ("How many centimetres wide is {name}?", "What is the width of {name} in centimetres?"),
            unit="centimetres",
            more=("Which is wider, {a} or {b}?",),
            less=("Which is narrower, {a} or {b}?",),
            gap=("How many centimetres wider than {b} is {a}?",),
        ),
        Fact(
            "height",
            "the height of {name}",
            (
                "How many centimetres high is {name}?",
                "What is the height of {name} in centimetres?",
            ),
            unit="centimetres",
            more=("Which is higher, {a} or {b}?",),
            less=("Which is lower, {a} or {b}?",),
            gap=("How many centimetres higher than {b} is {a}?",),
        ),
        Fact(
            "price",
            "the price of {name}",
            ("For how many crowns was {name} sold?", "What was the price of {name} in crowns?"),
            unit="crowns",
            more=("Which was sold for more crowns, {a} or {b}?",),
            less=("Which was sold for fewer crowns, {a} or {b}?",),
            gap=("How many crowns more than {b} did {a} cost?",),
            total=("How many crowns did {a} and {b} cost together?",),
            times=("How many times the price of {b} is the price of {a}?",),
        ),
        Fact(
            "year",
            "the year in which {name} was painted",
            ("In which year was {name} painted?", "When was {name} painted?"),
            more=("Which was painted later, {a} or {b}?",),
            less=("Which was painted first, {a} or {b}?",),
            gap=("How many years after {b} was {a} painted?",),
            than=EARLIER,
        ),
        Fact(
            "painter",
            "the painter of {name}",
            ("Who painted {name}?", "Who is the painter of {name}?"),
            type="string",
            to="person",
        ),
        Fact(
            "place",
            "the town where {name} hangs",
            ("Where does {name} hang?", "In which town can {name} be seen?"),
            type="string",
            to="town",
        ),
    ),
)

RIVER = Kind(
    name="river",
    mention="the {name}",
    described="the river that begins at {source}",
    leads=(
        "The {name} is a river that begins at {source}.",
        "The {name} is a slow river that begins at {source}.",
        "The {name} is a cold river that begins at {source}.",
    ),
    subjects=("It", "The river"),
    says=(
        "{It} is {length} kilometres long.",
        "Its length is {length} kilometres.",
        "{It} runs for {length} kilometres.",
        "{It} is up to {depth} metres deep.",
        "Its greatest depth is {depth} metres.",
        "{bridges} bridges cross it.",
        "There are {bridges} bridges over it.",
        "{It} freezes on {ice} days of the year.",
        "There is ice on it for {ice} days.",
        "The worst flood was in {flood_year}.",
        "A dam was built on it in {flood_year}.",
        "In {fish_year} the first fish farm was opened.",
        "Ships have used it since {fish_year}.",
    ),
    facts=(
        Fact(
            "length",
            "the length of {name}",
            ("How many kilometres long is {name}?", "What is the length of {name} in kilometres?"),
            unit="kilometres",
            more=("Which is longer, {a} or {b}?",),
            less=("Which is shorter, {a} or {b}?",),
            gap=("How many kilometres longer than {b} is {a}?",),
            total=("How many kilometres long are {a} and {b} together?",),
            times=("How many times as long as {b} is {a}?",),
        ),
        Fact(
            "depth",
            "the depth of {name}",
            ("How many metres deep is {name}?", "What is the greatest depth of {name} in metres?"),
            unit="metres",
            more=("Which is deeper, {a} or {b}?",),
            less=("Which is less deep, {a} or {b}?",),
            gap=("How many metres deeper than {b} is {a}?",),
        ),
        Fact(
            "bridges",
            "the number of bridges over {name}",
            ("How many bridges cross {name}?", "How many bridges are there over {name}?"),
            unit="bridges",
            more=("Which has more bridges, {a} or {b}?",),
            less=("Which has fewer bridges, {a} or {b}?",),
            gap=("How many more bridges does {a} have than {b}?",),
        ),
        Fact(
            "source",
            "the place where {name} begins",
            ("Where does {name} begin?",),
            type="string",
        ),
    ),
)

SUMS = (
    Sum(
        "town",
        "{population} / {area}",
        "the number of people per square kilometre in {name}",
        (
            "How many people live on one square kilometre of {name} on average?",
            "What is the population density of {name} per square kilometre?",
        ),
    ),
    Sum(
        "painting",
        "{width} * {height}",
        "the area of {name}",
        ("How many square centimetres does {name} measure?",),
        "square centimetres",
    ),
    Sum(
        "film",
        "{minutes} * {n}",
        "the time for {n} showings of {name}",
        ("How many minutes do {n} showings of {name} take?",),
        "minutes",
    ),
    Sum(
        "novel",
        "{pages} * {n}",
        "the pages of {n} copies of {name}",
        ("How many pages do {n} copies of {name} have together?",),
        "pages",
    ),
    Sum(
        "bridge",
        "{length} * {width}",
        "the area of the road on {name}",
        ("How many square metres does {name} cover, from end to end?",),
        "square metres",
    ),
    Sum(
        "novel",
        "{year} - {author.born}",
        "the age of the author when {name} came out",
        (
            "How many years after the birth of its author did {name} come out?",
            "How many years old did the author of {name} turn in the year when it came out?",
        ),
        "years",
    ),
    Sum(
        "film",
        "{year} - {director.born}",
        "the age of the director when {name} came out",
        ("How many years after the birth of its director did {name} come out?",),
        "years",
    ),
    Sum(
        "painting",
        "{year} - {painter.born}",
        "the age of the painter when {name} was painted",
        ("How many years after the birth of its painter was {name} painted?",),
        "years",
    ),
    Sum(
        "company",
        "{founded} - {founder.born}",
        "the age of the founder when {name} was founded",
        ("How many years after the birth of its founder was {name} founded?",),
        "years",
    ),
)

PUZZLES = (
    Puzzle(
        "{a} + {b}",
        (
            "What is {a} + {b}?",
            "Add {a} and {b}.",
            "A farm has {a} sheep and {b} goats. How many animals is that?",
        ),
        ((100, 9999),) * 2,
    ),
    Puzzle(
        "{a} - {b}",
        (
            "What is {a} - {b}?",
            "Take {b} away from {a}. What is left?",
            "Of {a} apples {b} were sold. How many are left?",
        ),
        ((5000, 9999), (100, 4999)),
    ),
    Puzzle(
        "{a} * {b}",
        (
            "What is {a} * {b}?",
            "Multiply {a} by {b}.",
            "What is {a} times {b}?",
            "There are {a} rows of {b} trees. How many trees are there?",
        ),
        ((12, 99), (12, 999)),
    ),
    Puzzle(
        "{a} * {b}",
        ("What is {a} * {b}?", "What do you get when you multiply {a} by {b}?"),
        ((1000, 99999), (100, 9999)),
        2,
    ),
    Puzzle(
        "{a} * {b} - {c}",
        (
            "What is {a} * {b} - {c}?",
            "Multiply {a} by {b} and take away {c}.",
            "A mill fills {a} sacks of {b} pounds and sells {c} pounds. How many pounds are left?",
        ),
        ((100, 9999), (100, 999), (10, 9999)),
        2,
    ),
    Puzzle(
        "{a} * {b} + {c}",
        (
            "Calculate {a} * {b} + {c}.",
            "A shop has {a} boxes of {b} lamps and {c} single lamps. How many lamps is that?",
        ),
        ((12, 999), (12, 99), (10, 999)),
        2,
    ),
    Puzzle(
        "{a} + {b} + {c}",
        (
            "What is {a} + {b} + {c}?",
            "Three ships carry {a}, {b} and {c} sacks. How many sacks do they carry together?",
        ),
        ((1000, 99999),) * 3,
        2,
    ),
    Puzzle(
        "({a} + {b}) * {c}",
        (
            "What is ({a} + {b}) * {c}?",
            "Add {a} and {b}, then multiply the sum by {c}.",
            "Every day {a} men and {b} women cross the bridge. How many people is that in {c} days?",
        ),
        ((100, 999), (100, 999), (12, 99)),
        2,
    ),
    Puzzle(
        "{a} - {b} - {c}",
        ("What is {a} - {b} - {c}?", "From {a} take away {b} and then {c}. What is left?"),
        ((50000, 99999), (1000, 19999), (100, 9999)),
        2,
    ),
    Puzzle(
        "{a} * {b} / 100",
        ("What is {a} percent of {b}?", "How much is {a} percent of {b}?"),
        ((2, 95), (100, 9900)),
        2,
    ),
)

WORDS = {
    "fame": (
        "clock fair,horse market,old tower,red apples,glass ovens,white cheese,boat race,salt mine,"
        "rose gardens,paper mill,night market,stone theatre,singing school,wool market,honey cakes,"
        "silver mine,winter fair,wooden houses,hot springs,flower show,fish soup,round church"
    ),
    "job": (
        "doctor,baker,teacher,writer,painter,farmer,judge,nurse,tailor,gardener,singer,printer,"
        "builder,dentist,lawyer,cook,miller,weaver,potter,driver,banker,hunter"
    ),
    "hobby": (
        "collects old maps,keeps bees,plays the flute,paints birds,breeds horses,climbs hills,"
        "grows roses,builds kites,repairs clocks,collects coins,plays chess,bakes bread,"
        "sings in a choir,draws ships,keeps goats,collects stamps,swims in winter,studies stars,"
        "carves spoons,plays the harp"
    ),
    "goods": (
        "brass kettles,oil lamps,wool coats,glass bowls,iron stoves,leather boots,wooden toys,"
        "paper bags,copper pipes,steel knives,silk ties,garden chairs,bicycle bells,fishing nets,"
        "straw hats,clay pots,church bells,sewing needles,rubber boats,door locks,soap,candles,"
        "pencils,umbrellas,violins,mirrors"
    ),
    "who": (
        "sailor,widow,thief,farmer,soldier,shepherd,queen,dancer,miner,monk,student,postman,orphan,"
        "giant,king,fisherman,painter,servant,nun,clown,captain,gardener"
    ),
    "how": "blind,young,small,lonely,rich,poor,lazy,brave,proud,sick,happy,tired,wise,deaf,shy,cruel",
    "thing": (
        "clock,letter,ring,map,boat,horse,key,mirror,book,lamp,sword,coat,bell,violin,coin,photograph,"
        "garden,wolf,crown,suitcase,bottle,door"
    ),
    "state": "stolen,broken,golden,lost,hidden,secret,burned,green,frozen,strange,forgotten,buried",
    "scene": (
        "boats,cows,bridges,apples,horses,children,trees,dancers,soldiers,birds,houses,ships,"
        "fishermen,flowers,sheep,windmills,dogs,musicians"
    ),
    "where": (
        "in a storm,in the snow,at night,by the sea,in a garden,under a tree,on a hill,in the rain,"
        "in a market,at sunrise,in a mirror,by a fire,on the ice,in the fog"
    ),
    "count": "two,three,four,five,six,seven,nine,many",
    "film_title": "My,Our,One,No,Her,His,Every,Another",
    "painting_title": "by the,before the,behind the,under the,without a,near the",
    "material": "stone,wire,steel,wooden,brick,rope,concrete,chain,glass,covered",
    "firm": "Works,Mills,Company,Brothers,Factory,Trading,Makers,House",
    "title_how": (
        "Glass,Silver,Red,Last,Long,Secret,Crooked,Burning,Quiet,Hollow,Distant,Second,Paper,Wild,"
        "Narrow,Bitter,Blue,Iron,Sleeping,Stormy,Seventh,Open,Dark,Heavy,Falling,Golden,Broken"
    ),
    "title_thing": (
        "Orchard,Harbour,Winter,Road,River,Room,Stair,Island,Window,Summer,Forest,Table,Promise,"
        "Shadow,Garden,Station,Mountain,Meadow,Letter,Tower,Voyage,Kitchen,Valley,Rain,Answer,Wall"
    ),
    "month": (
        "January,February,March,April,May,June,July,August,September,October,November,December"
    ),
}

ENGLISH = Language(
    code="en",
    space=" ",
    names=NAMES,
    forms={
        "topic": "a {how} {who} and a {state} {thing}",
        "scene": "{count} {scene} {where}",
        "offices": "{one}, {two} and {three}",
        "date": "{day} {month} {year}",
    },
    pronouns={
        "f": {"He": "She", "he": "she", "his": "her", "His": "Her"},
        "m": {"He": "He", "he": "he", "his": "his", "His": "His"},
        "": {},
    },
    thousands=(lambda number: f"{number:,}",),
    kinds={k.name: k for k in (TOWN, PERSON, COMPANY, NOVEL, FILM, BRIDGE, PAINTING, RIVER)},
    sums=SUMS,
    puzzles=PUZZLES,
    words={key: tuple(text.split(",")) for key, text in WORDS.items()},
    unknown="unknown",
    rounding="{question} Give one decimal place.",
    states="{phrase} is {value}",
    absent_fact="the article does not give {phrase}",
    absent_page="there is no article about {name}",
    compares="{x} is {than} {y}",
    difference="the difference between {x} and {y}",
    total="the sum of {x} and {y}",
    ratio="the ratio of {x} to {y}",
)
