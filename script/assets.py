"""Make web/static/vendor of the locked npm packages: what pages load, and beside each text its gzip form."""

import gzip
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "web" / "static" / "vendor"
ICON_LIST = ROOT / "web" / "icons.txt"

# package → (files or folders inside it, licence file)
ASSETS = {
    "@tabler/core": ("dist/css/tabler.min.css", "dist/js/tabler.min.js"),
    "htmx.org": ("dist/htmx.min.js", "LICENSE"),
    "leaflet": ("dist/leaflet.js", "dist/leaflet.css", "dist/images", "LICENSE"),
    "echarts": ("dist/echarts.min.js", "LICENSE"),
}
FOLDERS = {"@tabler/core": "tabler", "htmx.org": "htmx"}
COMPRESSED = {".js", ".css", ".svg"}
SMALLEST = 1_000
"""Bytes below which compressing gains nothing."""


def main() -> None:
    """Replace the vendor folder as a whole, so that nothing old stays behind."""
    fresh = TARGET.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for package, parts in ASSETS.items():
        for part in parts:
            _copy(ROOT / "node_modules" / package / part, fresh / FOLDERS.get(package, package))
    (fresh / "icons.svg").write_text(make_sprite(), encoding="utf-8")
    for file in fresh.rglob("*"):
        if file.suffix in COMPRESSED and file.stat().st_size >= SMALLEST:
            compress(file)
    shutil.rmtree(TARGET, ignore_errors=True)
    fresh.rename(TARGET)


def _copy(source: Path, folder: Path) -> None:
    """Copy a file or folder; a script's pointer to its source map is cut, since the map is not served."""
    folder.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, folder / source.name)
        return
    if source.suffix in {".js", ".css"}:
        text = source.read_text("utf-8")
        cut = re.sub(r"(//|/\*)# sourceMappingURL=\S+( \*/)?", "", text)
        (folder / source.name).write_text(cut, encoding="utf-8")
        return
    shutil.copyfile(source, folder / source.name)


def make_sprite() -> str:
    """Return one SVG with the icons that the pages use, each a symbol under its name."""
    lines = ICON_LIST.read_text("utf-8").splitlines()
    names = sorted(line for line in lines if line and not line.startswith("#"))
    folder = ROOT / "node_modules" / "@tabler" / "icons" / "icons" / "outline"
    symbols = [_make_symbol(name, (folder / f"{name}.svg").read_text("utf-8")) for name in names]
    licence = "<!-- Tabler Icons, MIT licence -->"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg">{licence}\n' + "\n".join(symbols) + "\n</svg>\n"
    )


def _make_symbol(name: str, svg: str) -> str:
    paths = re.findall(r"<(?!/?svg)[^>]+>", svg)
    shapes = "".join(path for path in paths if 'stroke="none"' not in path)
    return f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>'


def compress(file: Path) -> None:
    """Write the gzip form beside a file; the same bytes each time."""
    packed = gzip.compress(file.read_bytes(), compresslevel=9, mtime=0)
    file.with_name(file.name + ".gz").write_bytes(packed)


if __name__ == "__main__":
    main()
