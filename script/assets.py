"""Copy the parts of the locked npm packages that pages use to web/static/vendor."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "web" / "static" / "vendor"

# package → (files or folders inside it, licence file)
ASSETS = {
    "leaflet": ("dist/leaflet.js", "dist/leaflet.css", "dist/images", "LICENSE"),
    "echarts": ("dist/echarts.min.js", "LICENSE"),
}


def main() -> None:
    """Replace the vendor folder as a whole, so that nothing old stays behind."""
    fresh = TARGET.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for package, parts in ASSETS.items():
        for part in parts:
            source = ROOT / "node_modules" / package / part
            target = fresh / package / Path(part).name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copyfile(source, target)
    shutil.rmtree(TARGET, ignore_errors=True)
    fresh.rename(TARGET)


if __name__ == "__main__":
    main()
