"""Other names of one place: what people say instead of the official name. Rules as tables."""

import re

from geodata.address import fold_text
from geodata.gazetteer.postings import BARE, OTHER, OWN

AREA_KINDS = ("district", "street", "community")

_SUFFIXES = {
    "district": ("区", "县", "市", "旗"),
    "street": ("地区办事处", "街道办事处", "街道", "地区", "街区", "镇", "乡"),
    "community": (
        *("社区居委会", "社区居民委员会", "社区村委会", "社区"),
        *("村村民委员会", "村村委会", "村民委员会", "村委会"),
        *("居民委员会", "居委会", "村"),
    ),
}
"""Endings of official names, the first that fits; what stands before them is the spoken name."""

_SPOKEN = {
    "district": (),
    "street": ("街道", "地区", "镇", "乡", "街道办事处"),
    "community": ("社区", "村", "社区居委会"),
}
"""Endings that people use for one another (来广营地区 = 来广营乡)."""

_OWN_ENDINGS = {
    "街道办事处": "街道", "地区办事处": "地区", "街区": "街道",
    "社区居委会": "社区", "社区居民委员会": "社区", "居民委员会": "社区", "居委会": "社区",
    "村村民委员会": "村", "村村委会": "村", "村民委员会": "村", "村委会": "村", "社区村委会": "社区",
}  # fmt: skip
"""How the official ending is said; every other ending stands for itself."""
_COMPOUND = "小区"
"""A community is often called by the compound that it is (胡家园社区: 胡家园小区)."""

_GATES = re.compile(r"^(.)..?门([内外])")
"""朝阳门外大街 is called 朝外大街, 广安门内街道 广内街道."""

_GATE = re.compile(r"^(..?门)[内外]?([东西南北中].+)$")
_SIDES = "东西南北中前后"
_UNENDED = f"{_SIDES}内外小"
_WAY_ENDINGS = ("大街", "胡同", "路", "街", "巷")
_STREET_ENDINGS = ("大街", "路", "街")
_LONG_STEM = 3
"""From here on a stem tells the road whatever its ending: 东晓市大街, 东晓市街."""
_NUMERALS = "零一二三四五六七八九"
_ORDERED = "条路街巷区里环经纬胡大支号村"
_ONES = f"[{_NUMERALS[1:]}]"
_NUMERAL = re.compile(f"(?:{_ONES}?十{_ONES}?|{_ONES})(?=[{_ORDERED}])")
_TEENS = re.compile(f"十{_ONES}?(?=[{_ORDERED}])")
_DIGITS = re.compile(rf"(?<!\d)[1-9]\d?(?=[{_ORDERED}])")

_PLACE_ENDINGS = re.compile(
    r"(地下停车场|停车场|地下车库|车库|公交站|地铁站|有限责任公司|股份有限公司|有限公司|小区)$"
)
_PLACE_LAST = frozenset("场库站司区")
_BRACKETS = re.compile(r"\([^)]*\)")
_LANE = re.compile(r"[条巷]$")
_KINDS = frozenset(
    (
        *(
            "公园",
            "小区",
            "医院",
            "学校",
            "小学",
            "中学",
            "大学",
            "幼儿园",
            "超市",
            "商店",
            "饭店",
            "酒店",
            "宾馆",
        ),
        *(
            "商场",
            "广场",
            "大厦",
            "银行",
            "药店",
            "餐厅",
            "食堂",
            "停车场",
            "地下车库",
            "车库",
            "厕所",
            "公厕",
        ),
        *(
            "菜市场",
            "市场",
            "派出所",
            "居委会",
            "公交站",
            "地铁站",
            "车站",
            "加油站",
            "社区",
            "宿舍",
            "家属院",
            "大院",
        ),
        *(
            "胡同",
            "大街",
            "路口",
            "工地",
            "村",
            "桥",
            "河",
            "湖",
            "东里",
            "西里",
            "南里",
            "北里",
            "东区",
            "西区",
        ),
        *("南区", "北区", "中区", "一区", "二区", "东园", "西园", "南园", "北园"),
    )
)
"""Kinds of places: no name, though sources have rows that are called so."""
_LONGEST_KIND = 4
_ORDINAL_ENDS = "条巷区里院"
_ORDINAL = re.compile(r"^[头一二三四五六七八九十]+[条巷区里院]$")


def weigh_area_names(name: str, kind: str, aliases: list[str]) -> dict[str, int]:
    """Return the names of an area with how they name it: ``OWN``, ``OTHER`` or ``BARE``, the bare one last."""
    official = [fold_text(n) for n in (name, *aliases)]
    own, others, bare = list(official), [], []
    for one in official:
        ending = _find_ending(one, _SUFFIXES[kind])
        stem = one.removesuffix(ending)
        stems = [stem, *_shorten_gates(stem)]
        if kind == "street":
            stems.append(stem[:-1] if stem.endswith("路") else f"{stem}路")
        said = _OWN_ENDINGS.get(ending, ending)
        own += [f"{s}{said}" for s in stems if said in _SPOKEN[kind]]
        others += [f"{s}{other}" for s in stems for other in _SPOKEN[kind]]
        if len(stem) >= 2:
            bare += [f"{stem}{_COMPOUND}"] * (kind == "community") + [stem]
    # The surest way of naming stands, in the order of the official names, other ones, bare ones.
    ways = [(own, OWN), ([n for n in others if n not in bare], OTHER), (bare, BARE)]
    weighed: dict[str, int] = {}
    for names, how in ways:
        weighed |= {n: how for n in names if len(n) >= 2 and n not in weighed}
    return weighed


def make_way_names(name: str, aliases: list[str]) -> list[str]:
    """Return the names of a road: 草厂七条 is also 草厂七条胡同, 安定门外大街 安外大街."""
    names = [name, *(fold_text(alias) for alias in aliases)]
    for n in list(names):
        names += [short for short in _shorten_gates(n) if len(short) >= 3]
        if _LANE.search(n):
            names.append(f"{n}胡同")
        elif n.endswith("胡同") and _LANE.search(n[:-2]):
            names.append(n[:-2])
    return list(dict.fromkeys(n for n in names if is_telling(n)))


def vary_numerals(name: str) -> list[str]:
    """Return a name with its ordinals written the other way, if it has any: 东四九条 as 东四9条, 纬2路 as 纬二路."""
    # 东四十条 is the tenth lane of 东四, 四十条 might be the fortieth.
    digits = [
        pattern.sub(lambda found: str(_read_numeral(found[0]) or found[0]), name)
        for pattern in (_NUMERAL, _TEENS)
    ]
    others = dict.fromkeys((*digits, spell_numerals(name)))
    return [other for other in others if other != name]


def spell_numerals(name: str) -> str:
    """Return a name with its ordinals as numerals: 东四9条 is 东四九条."""
    return _DIGITS.sub(lambda found: _spell(int(found[0])), name)


def _read_numeral(text: str) -> int:
    """Return the value of a numeral to 99, 0 where it is none: 九, 十二, 二十, 二十一."""
    tens, ten, ones = text.rpartition("十")
    if len(tens) > 1 or len(ones) > 1 or tens == "零" or ones == "零":
        return 0
    return (10 * (_NUMERALS.index(tens) if tens else 1) if ten else 0) + (
        _NUMERALS.index(ones) if ones else 0
    )


def _spell(number: int) -> str:
    tens, ones = divmod(number, 10)
    return (
        (_NUMERALS[tens] if tens > 1 else "")
        + ("十" if tens else "")
        + (_NUMERALS[ones] if ones or not tens else "")
    )


def vary_way(name: str) -> list[str]:
    """Return what people call a road for short or by mistake; it is certain where no other road is called so.

    西河沿街 for 前门西河沿街 (what it begins with left out), 东直门内南小街 for 东直门南小街,
    黄化门胡同 for 黄化门街 (another ending).
    """
    others = [name[at:] for at in range(2, len(name) - 2) if name[at] in _SIDES][:1]
    gate = _GATE.match(name)
    if gate:
        others += [f"{gate[1]}{side}{gate[2]}" for side in ("", "内", "外")]
    stem = name.removesuffix(_find_ending(name, _WAY_ENDINGS))
    if stem != name and len(stem) >= 2 and stem[-1] not in _UNENDED:
        own = len(stem) >= _LONG_STEM
        others += [f"{stem}{end}" for end in (_WAY_ENDINGS if own else _STREET_ENDINGS)]
        others += [stem] * (len(stem) > _LONG_STEM)
    return [other for other in dict.fromkeys(others) if other != name and is_telling(other)]


def make_place_names(name: str) -> list[str]:
    """Return the names of a place: without brackets and without a general ending."""
    plain = _BRACKETS.sub("", name) if "(" in name else name
    stem = _PLACE_ENDINGS.sub("", plain) if plain[-1:] in _PLACE_LAST else plain
    if stem == name:
        return [name] if is_telling(name) else []
    return [n for n in dict.fromkeys((name, plain, stem)) if len(n) >= 2 and is_telling(n)]


def is_telling(name: str) -> bool:
    """Tell whether a name says anything alone (二条, 三区, 公园 and bare numbers do not)."""
    if len(name) <= _LONGEST_KIND and name in _KINDS:
        return False
    if name[-1:] not in _ORDINAL_ENDS and not name[:1].isdigit():
        return len(name) >= 2  # the usual case, at a tenth of the price
    return len(name) >= 2 and not _ORDINAL.match(name) and not name.isdigit()


def _find_ending(name: str, endings: tuple[str, ...]) -> str:
    """Return the first of `endings` that `name` has before which something stands, else nothing."""
    return next((end for end in endings if name.endswith(end) and len(name) > len(end)), "")


def _shorten_gates(name: str) -> list[str]:
    short = _GATES.sub(r"\1\2", name)
    return [short] if short != name else []
