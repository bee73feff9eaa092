"""Other names of one place: what people say instead of the official name. Rules as tables."""

import re

from geodata.address_text import fold_text

AREA_KINDS = ("district", "street", "community")

_SUFFIXES = {
    "district": ("区", "县", "市", "旗"),
    "street": ("地区办事处", "街道办事处", "街道", "地区", "街区", "镇", "乡"),
    "community": ("社区居委会", "社区居民委员会", "村委会", "村民委员会", "居委会", "社区", "村"),
}
"""Endings of official names, longest first; what stands before them is the spoken name."""

_SPOKEN = {
    "district": (),
    "street": ("街道", "地区", "镇", "乡", "街道办事处"),
    "community": ("社区", "村", "社区居委会"),
}
"""Endings that people use for one another (来广营地区 = 来广营乡)."""

_GATES = re.compile(r"^(.)..?门([内外])")
"""朝阳门外大街 is called 朝外大街, 广安门内街道 广内街道."""

_PLACE_ENDINGS = re.compile(
    r"(地下停车场|停车场|地下车库|车库|公交站|地铁站|有限责任公司|股份有限公司|有限公司|小区)$"
)
_BRACKETS = re.compile(r"\([^)]*\)")
_LANE = re.compile(r"[条巷]$")
_ORDINAL = re.compile(r"^[头一二三四五六七八九十]+[条巷区里院]$")


def make_area_names(name: str, kind: str, aliases: list[str]) -> list[str]:
    """Return the names of an area, the official one first, the bare one (no ending) last."""
    names = [fold_text(n) for n in (name, *aliases)]
    for official in list(names):
        stem = _strip(official, _SUFFIXES[kind])
        stems = [stem, *_shorten_gates(stem)]
        if kind == "street":
            stems.append(stem[:-1] if stem.endswith("路") else f"{stem}路")
        names += [f"{s}{ending}" for s in stems for ending in _SPOKEN[kind]]
        if len(stem) >= 2:
            names.append(stem)
    return list(dict.fromkeys(name for name in names if len(name) >= 2))


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


def make_place_names(name: str) -> list[str]:
    """Return the names of a place: without brackets and without a general ending."""
    plain = _BRACKETS.sub("", name)
    stem = _PLACE_ENDINGS.sub("", plain)
    return [n for n in dict.fromkeys((name, plain, stem)) if len(n) >= 2 and is_telling(n)]


def is_telling(name: str) -> bool:
    """Tell whether a name says anything alone (二条, 三区 and bare numbers do not)."""
    return len(name) >= 2 and not _ORDINAL.match(name) and not name.isdigit()


def _strip(name: str, suffixes: tuple[str, ...]) -> str:
    for suffix in suffixes:
        if name.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def _shorten_gates(name: str) -> list[str]:
    short = _GATES.sub(r"\1\2", name)
    return [short] if short != name else []
