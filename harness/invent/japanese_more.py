"""Japanese, continued: bridges, paintings, rivers, sums, puzzles and stocks of words."""

from __future__ import annotations

from harness.invent.japanese import COMPANY, FILM, NOVEL, PERSON, SIZE, TIME, TOWN
from harness.invent.japanese_names import NAMES
from harness.invent.wording import Fact, Kind, Language, Puzzle, Sum

BRIDGE = Kind(
    name="bridge",
    mention="{name}",
    described="{town}にある{material}の橋",
    leads=(
        "{name}は{town}にある{material}の橋である。",
        "{name}は、{town}にある{material}の橋として知られる。",
    ),
    subjects=("同橋", "{name}"),
    says=(
        "{river}に架かる。",
        "{It}は{river}に架かっている。",
        "長さは{length}メートルである。",
        "{It}の長さは{length}メートルである。",
        "幅は{width}メートルである。",
        "{opened}に開通した。",
        "{It}の開通は{opened}である。",
        "設計者は{designer}である。",
        "{It}は{designer}が設計した。",
        "{repair_year}年に修理された。",
        "{load}トンまで耐える。",
    ),
    facts=(
        Fact(
            "length",
            "{name}の長さ",
            ("{name}の長さは何メートルですか。",),
            unit="メートル",
            more=("{a}と{b}では、どちらが長いですか。",),
            less=("{a}と{b}では、どちらが短いですか。",),
            gap=("{a}は{b}より何メートル長いですか。",),
            total=("{a}と{b}の長さは合わせて何メートルですか。",),
            times=("{a}の長さは{b}の長さの何倍ですか。",),
            than=SIZE,
        ),
        Fact(
            "width",
            "{name}の幅",
            ("{name}の幅は何メートルですか。",),
            unit="メートル",
            more=("{a}と{b}では、どちらの幅が広いですか。",),
            less=("{a}と{b}では、どちらの幅が狭いですか。",),
            gap=("{a}の幅は{b}の幅より何メートル広いですか。",),
            than=SIZE,
        ),
        Fact(
            "load",
            "{name}が耐える重さ",
            ("{name}は何トンまで耐えますか。",),
            unit="トン",
            more=("{a}と{b}では、重い荷に耐えるのはどちらですか。",),
            less=("{a}と{b}では、軽い荷にしか耐えないのはどちらですか。",),
            gap=("{a}が耐える重さは{b}より何トン大きいですか。",),
            than=SIZE,
        ),
        Fact(
            "opened",
            "{name}の開通日",
            ("{name}は何年何月何日に開通しましたか。", "{name}の開通日はいつですか。"),
            type="date",
        ),
        Fact(
            "designer",
            "{name}の設計者",
            ("{name}の設計者は誰ですか。",),
            type="string",
            to="person",
        ),
        Fact(
            "river",
            "{name}の架かる川",
            ("{name}はどの川に架かっていますか。",),
            type="string",
            to="river",
        ),
        Fact("town", "{name}のある町", ("{name}はどの町にありますか。",), type="string", to="town"),
    ),
)

PAINTING = Kind(
    name="painting",
    mention="『{name}』",
    described="{scene}を描いた絵画",
    leads=(
        "『{name}』は、{scene}を描いた絵画である。",
        "『{name}』は{scene}を描いた大きな絵画である。",
    ),
    subjects=("本作", "この絵"),
    says=(
        "画家は{painter}である。",
        "{It}は{painter}が描いた。",
        "{year}年に描かれた。",
        "{It}が描かれたのは{year}年である。",
        "幅は{width}センチメートルである。",
        "{It}の幅は{width}センチメートルである。",
        "高さは{height}センチメートルである。",
        "{place}に飾られている。",
        "{It}は{place}で見ることができる。",
        "値段は{price}クローネだった。",
        "{It}は{price}クローネで売れた。",
        "{clean_year}年に汚れが落とされた。",
    ),
    facts=(
        Fact(
            "width",
            "{name}の幅",
            ("{name}の幅は何センチメートルですか。",),
            unit="センチメートル",
            more=("{a}と{b}では、どちらの幅が広いですか。",),
            less=("{a}と{b}では、どちらの幅が狭いですか。",),
            gap=("{a}の幅は{b}の幅より何センチメートル広いですか。",),
            than=SIZE,
        ),
        Fact(
            "height",
            "{name}の高さ",
            ("{name}の高さは何センチメートルですか。",),
            unit="センチメートル",
            more=("{a}と{b}では、どちらの高さが大きいですか。",),
            less=("{a}と{b}では、どちらの高さが小さいですか。",),
            gap=("{a}の高さは{b}の高さより何センチメートル大きいですか。",),
            than=SIZE,
        ),
        Fact(
            "price",
            "{name}の値段",
            ("{name}は何クローネで売れましたか。", "{name}の値段は何クローネでしたか。"),
            unit="クローネ",
            more=("{a}と{b}では、高く売れたのはどちらですか。",),
            less=("{a}と{b}では、安く売れたのはどちらですか。",),
            gap=("{a}の値段は{b}の値段より何クローネ高いですか。",),
            total=("{a}と{b}の値段は合わせて何クローネですか。",),
            times=("{a}の値段は{b}の値段の何倍ですか。",),
            than=SIZE,
        ),
        Fact(
            "year",
            "{name}が描かれた年",
            ("{name}は何年に描かれましたか。",),
            more=("{a}と{b}では、描かれたのが遅いのはどちらですか。",),
            less=("{a}と{b}では、描かれたのが早いのはどちらですか。",),
            gap=("{a}は{b}の何年後に描かれましたか。",),
            than=TIME,
        ),
        Fact(
            "painter",
            "{name}の画家",
            ("{name}を描いたのは誰ですか。", "{name}の画家は誰ですか。"),
            type="string",
            to="person",
        ),
        Fact(
            "place",
            "{name}が飾られている町",
            ("{name}はどの町に飾られていますか。",),
            type="string",
            to="town",
        ),
    ),
)

RIVER = Kind(
    name="river",
    mention="{name}",
    described="{source}に始まる川",
    leads=("{name}は、{source}に始まる川である。", "{name}は{source}に始まる流れの遅い川である。"),
    subjects=("同川", "{name}"),
    says=(
        "長さは{length}キロメートルである。",
        "{It}の長さは{length}キロメートルである。",
        "最も深い所で{depth}メートルある。",
        "{It}の深さは{depth}メートルに達する。",
        "{bridges}本の橋が架かる。",
        "{It}には{bridges}本の橋が架かっている。",
        "年に{ice}日は凍る。",
        "{flood_year}年に大きな洪水があった。",
        "{fish_year}年に養魚場ができた。",
    ),
    facts=(
        Fact(
            "length",
            "{name}の長さ",
            ("{name}の長さは何キロメートルですか。",),
            unit="キロメートル",
            more=("{a}と{b}では、どちらが長いですか。",),
            less=("{a}と{b}では、どちらが短いですか。",),
            gap=("{a}は{b}より何キロメートル長いですか。",),
            total=("{a}と{b}の長さは合わせて何キロメートルですか。",),
            times=("{a}の長さは{b}の長さの何倍ですか。",),
            than=SIZE,
        ),
        Fact(
            "depth",
            "{name}の深さ",
            ("{name}の深さは最大で何メートルですか。",),
            unit="メートル",
            more=("{a}と{b}では、どちらが深いですか。",),
            less=("{a}と{b}では、どちらが浅いですか。",),
            gap=("{a}は{b}より何メートル深いですか。",),
            than=SIZE,
        ),
        Fact(
            "bridges",
            "{name}に架かる橋の数",
            ("{name}には何本の橋が架かっていますか。",),
            unit="本",
            more=("{a}と{b}では、橋が多いのはどちらですか。",),
            less=("{a}と{b}では、橋が少ないのはどちらですか。",),
            gap=("{a}の橋は{b}の橋より何本多いですか。",),
            than=SIZE,
        ),
        Fact("source", "{name}の始まる山", ("{name}はどの山に始まりますか。",), type="string"),
    ),
)

SUMS = (
    Sum(
        "town",
        "{population} / {area}",
        "{name}の人口密度",
        ("{name}の人口密度は1平方キロメートルあたり何人ですか。",),
        "人",
    ),
    Sum(
        "painting",
        "{width} * {height}",
        "{name}の面積",
        ("{name}の面積は何平方センチメートルですか。",),
        "平方センチメートル",
    ),
    Sum(
        "film",
        "{minutes} * {n}",
        "{name}を{n}回上映する時間",
        ("{name}を{n}回上映すると、全部で何分かかりますか。",),
        "分",
    ),
    Sum(
        "novel",
        "{pages} * {n}",
        "{name}{n}冊のページ数",
        ("{name}が{n}冊あると、全部で何ページになりますか。",),
        "ページ",
    ),
    Sum(
        "bridge",
        "{length} * {width}",
        "{name}の路面の面積",
        ("{name}の路面は、端から端まで何平方メートルですか。",),
        "平方メートル",
    ),
    Sum(
        "novel",
        "{year} - {author.born}",
        "{name}の刊行と作者の生年の差",
        ("{name}は作者が生まれてから何年後に刊行されましたか。",),
        "年",
    ),
    Sum(
        "film",
        "{year} - {director.born}",
        "{name}の公開と監督の生年の差",
        ("{name}は監督が生まれてから何年後に公開されましたか。",),
        "年",
    ),
    Sum(
        "company",
        "{founded} - {founder.born}",
        "{name}の創業と創業者の生年の差",
        ("{name}は創業者が生まれてから何年後に創業しましたか。",),
        "年",
    ),
)

PUZZLES = (
    Puzzle(
        "{a} + {b}",
        (
            "{a} + {b} はいくつですか。",
            "{a}と{b}を足すといくつですか。",
            "牧場に羊が{a}頭、山羊が{b}頭います。合わせて何頭ですか。",
        ),
        ((100, 9999),) * 2,
    ),
    Puzzle(
        "{a} - {b}",
        (
            "{a} - {b} はいくつですか。",
            "{a}個のりんごのうち{b}個が売れました。残りは何個ですか。",
        ),
        ((5000, 9999), (100, 4999)),
    ),
    Puzzle(
        "{a} * {b}",
        (
            "{a} * {b} はいくつですか。",
            "{a}に{b}を掛けるといくつですか。",
            "木が{b}本ずつ{a}列あります。全部で何本ですか。",
        ),
        ((12, 99), (12, 999)),
    ),
    Puzzle(
        "{a} * {b}",
        ("{a} * {b} はいくつですか。", "{a}と{b}の積はいくつですか。"),
        ((1000, 99999), (100, 9999)),
        2,
    ),
    Puzzle(
        "{a} * {b} - {c}",
        (
            "{a} * {b} - {c} はいくつですか。",
            "{b}個入りの箱が{a}箱あり、{c}個が売れました。残りは何個ですか。",
        ),
        ((100, 9999), (100, 999), (10, 9999)),
        2,
    ),
    Puzzle(
        "{a} + {b} + {c}",
        (
            "{a} + {b} + {c} はいくつですか。",
            "三隻の船に袋が{a}個、{b}個、{c}個あります。合わせて何個ですか。",
        ),
        ((1000, 99999),) * 3,
        2,
    ),
    Puzzle(
        "({a} + {b}) * {c}",
        (
            "({a} + {b}) * {c} はいくつですか。",
            "毎日、大人{a}人と子供{b}人が橋を渡ります。{c}日間では何人になりますか。",
        ),
        ((100, 999), (100, 999), (12, 99)),
        2,
    ),
    Puzzle(
        "{a} * {b} / 100",
        ("{b}の{a}パーセントはいくつですか。",),
        ((2, 95), (100, 9900)),
        2,
    ),
)

WORDS = {
    "fame": (
        "時計市,馬市,古い塔,赤いりんご,ガラス窯,白いチーズ,舟の競漕,塩の坑道,ばら園,製紙場,夜市,"
        "石の劇場,合唱学校,羊毛市,蜂蜜菓子,銀の坑道,冬祭り,木造の家並み,温泉,花の展覧会,魚の汁,丸い聖堂"
    ),
    "job": "医師,パン職人,教師,作家,画家,農家,裁判官,看護師,仕立屋,庭師,歌手,印刷工,大工,弁護士,料理人,織工,陶工,運転手,銀行員,猟師",
    "hobby": (
        "古地図を集める,蜂を飼う,笛を吹く,鳥を描く,馬を育てる,丘に登る,ばらを育てる,凧を作る,"
        "時計を直す,硬貨を集める,将棋を指す,合唱で歌う,船を描く,山羊を飼う,切手を集める,寒中に泳ぐ,"
        "星を調べる,匙を彫る,竪琴を弾く"
    ),
    "goods": (
        "真鍮のやかん,石油ランプ,毛織の外套,ガラスの鉢,鉄の暖炉,革の長靴,木の玩具,紙袋,銅管,鋼の包丁,"
        "絹の帯,庭の椅子,自転車の鈴,漁網,麦わら帽子,土鍋,教会の鐘,縫い針,錠前,石鹸,蝋燭,鉛筆,雨傘,鏡"
    ),
    "who": "船乗り,未亡人,泥棒,農夫,兵士,羊飼い,女王,踊り子,坑夫,僧,学生,郵便夫,孤児,巨人,漁師,召使い,道化師,船長",
    "how": "目の見えない,若い,小さな,寂しい,裕福な,貧しい,怠け者の,勇敢な,誇り高い,病気の,陽気な,疲れた,賢い,内気な",
    "thing": "時計,手紙,指輪,地図,小舟,馬,鍵,鏡,本,ランプ,剣,外套,鐘,硬貨,写真,庭,狼,冠,鞄,瓶,扉",
    "state": "盗まれた,壊れた,金色の,失われた,隠された,秘密の,焼けた,緑の,凍った,奇妙な,忘れられた,埋められた",
    "scene": "小舟,牛,橋,りんご,馬,子供,木,踊り子,兵士,鳥,家,船,漁師,花,羊,風車,犬,楽師",
    "where": "嵐の中の,雪の中の,夜の,海辺の,庭の,木の下の,丘の上の,雨の中の,市場の,日の出の,鏡の中の,火のそばの,氷の上の,霧の中の",
    "count": "白い,黒い,古い,小さな,大きな,赤い,遠くの,多くの",
    "film_title": "私の,僕らの,ある,彼女の,彼の,もう一つの,誰かの",
    "painting_title": "と,のそばの,の前の,の向こうの,の下の,のない",
    "material": "石造り,鋼,木造,煉瓦,縄,コンクリート,鎖,ガラス張り,屋根つき",
    "firm": "製作所,商会,工業,兄弟社,工場,商店,工房",
    "title_how": (
        "ガラスの,銀の,赤い,最後の,長い,秘密の,曲がった,燃える,静かな,遠い,二番目の,紙の,野の,狭い,"
        "苦い,青い,鉄の,眠る,嵐の,七番目の,暗い,重い,落ちる,金の,壊れた"
    ),
    "title_thing": (
        "果樹園,港,冬,道,川,部屋,階段,島,窓,夏,森,食卓,約束,影,庭,駅,山,草原,手紙,塔,航海,台所,谷,雨,答え,壁"
    ),
    "month": "1,2,3,4,5,6,7,8,9,10,11,12",
}


def _ten_thousands(number: int) -> str:
    """66400 -> 6万6400."""
    high, low = divmod(number, 10_000)
    return (f"{high}万" if high else "") + (str(low) if low or not high else "")


JAPANESE = Language(
    code="ja",
    space="",
    names=NAMES,
    forms={
        "topic": "{how}{who}と{state}{thing}",
        "scene": "{where}{count}{scene}",
        "offices": "{one}、{two}、{three}",
        "date": "{year}年{month}月{day}日",
    },
    pronouns={"f": {}, "m": {}, "": {}},
    thousands=(_ten_thousands, lambda number: f"{number:,}"),
    kinds={k.name: k for k in (TOWN, PERSON, COMPANY, NOVEL, FILM, BRIDGE, PAINTING, RIVER)},
    sums=SUMS,
    puzzles=PUZZLES,
    words={key: tuple(text.split(",")) for key, text in WORDS.items()},
    unknown="不明",
    rounding="{question}小数第1位まで答えてください。",
    states="{phrase}は{value}である",
    absent_fact="記事には{phrase}が書かれていない",
    absent_page="{name}という記事はない",
    compares="{x}は{y}より{than}",
    difference="{x}と{y}の差",
    total="{x}と{y}の和",
    ratio="{x}と{y}の比",
)
