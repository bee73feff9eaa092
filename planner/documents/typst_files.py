"""Typst: text to pages and pictures, in one wheel without a system library; fonts are looked up once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typst

from planner.documents.content import Drawing
from planner.documents.errors import FontError

ROLES: dict[str, tuple[str, ...]] = {
    "body": ("FangSong", "仿宋", "FangSong_GB2312", "仿宋_GB2312", "STFangsong", "FZFangSong-Z02"),
    "title": ("FZXiaoBiaoSong-B05S", "方正小标宋简体", "FZXiaoBiaoSong-B05", "STZhongsong"),
    "heading": ("SimHei", "黑体", "STHeiti", "FZHei-B01S"),
    "subheading": ("KaiTi", "楷体", "KaiTi_GB2312", "楷体_GB2312", "STKaiti", "FZKai-Z03S"),
    "numbers": ("SimSun", "宋体", "STSong", "FZShuSong-Z01S"),
}
"""Faces of GB/T 9704-2012 by the names under which systems know them, the first found is used."""

STAND_INS: dict[str, tuple[str, ...]] = {
    "body": ("Noto Serif CJK SC", "Source Han Serif SC", "Noto Serif SC"),
    "title": ("Noto Serif CJK SC", "Source Han Serif SC", "Noto Serif SC"),
    "heading": ("Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "WenQuanYi Micro Hei"),
    "subheading": ("Noto Serif CJK SC", "Source Han Serif SC", "Noto Serif SC"),
    "numbers": ("Noto Serif CJK SC", "Source Han Serif SC", "Noto Serif SC"),
}
"""Open faces that take their place; which ones did is said."""

STANDARD_NAMES = {
    "body": "仿宋",
    "title": "小标宋",
    "heading": "黑体",
    "subheading": "楷体",
    "numbers": "宋体",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class FontBook:
    """The faces to write with.

    Parameters
    ----------
    fonts
        What typst found.
    faces
        Role → families, the best first.
    missing
        Faces of the standard that this machine lacks, by their Chinese names.
    """

    fonts: Any
    faces: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]


@cache
def load_fonts(folder: Path | None = None) -> FontBook:
    """Return the fonts of the pack's folder and of the system.

    Raises
    ------
    FontError
        None of them can write Chinese.
    """
    paths = [str(folder)] if folder else []
    fonts = typst.Fonts(include_system_fonts=True, include_embedded_fonts=True, font_paths=paths)
    found = {font.family for font in fonts.fonts()}
    every_stand_in = tuple(dict.fromkeys(name for names in STAND_INS.values() for name in names))
    faces, missing = {}, []
    for role, names in ROLES.items():
        own = tuple(name for name in names if name in found)
        if not own:
            missing.append(STANDARD_NAMES[role])
        spare = tuple(
            name for name in dict.fromkeys((*STAND_INS[role], *every_stand_in)) if name in found
        )
        faces[role] = (*own[:1], *spare[:1])
    if not any(faces.values()):
        wanted = ", ".join((*(names[0] for names in ROLES.values()), *every_stand_in))
        where = f"{folder} and the system's folders" if folder else "the system's folders"
        raise FontError(
            f"no font that can write Chinese in {where}; expected one of: {wanted}. "
            f"Install one (Debian: fonts-noto-cjk) or put font files into the folder [documents] fonts of the pack"
        )
    spare_face = next(names for names in faces.values() if names)
    return FontBook(
        fonts=fonts,
        faces={role: names or spare_face for role, names in faces.items()},
        missing=tuple(missing),
    )


def draw_png(drawing: Drawing, *, fonts: FontBook, ppi: float = 192.0) -> bytes:
    """Return the picture as PNG; the same drawing gives the same bytes with the same fonts."""
    width, height = drawing.width * 0.75, drawing.height * 0.75
    source = (
        f"#set page(width: {width:g}pt, height: {height:g}pt, margin: 0pt)\n"
        f'#image("drawing.svg", width: {width:g}pt)\n'
    )
    made: bytes = typst.compile(
        {"main.typ": source.encode(), "drawing.svg": set_family(drawing.svg, fonts).encode()},
        format="png",
        ppi=ppi,
        font_paths=fonts.fonts,
    )
    return made


def set_family(svg: str, fonts: FontBook) -> str:
    """Return the SVG with the one family that is there, so that nothing is looked for in vain."""
    start = svg.index('font-family="') + len('font-family="')
    return svg[:start] + fonts.faces["heading"][0] + svg[svg.index('"', start) :]
