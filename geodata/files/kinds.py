"""What kind of layer a file is, told by its content: its name may say anything.

A library that opens files by content can be led by a file to others: a GDAL virtual layer (``<OGRVRTDataSource>``)
under the name ``a.geojson`` reads local files and fetches addresses. Only the kinds listed here are ever opened.
"""

import re
from enum import StrEnum
from pathlib import Path

from geodata.paths import check_file, fail_file

HEAD_BYTES = 1 << 16


class LayerKind(StrEnum):
    """Kinds of layers that are read."""

    GEOJSON = "GeoJSON"
    TOPOJSON = "TopoJSON"
    GEOPACKAGE = "GeoPackage"
    SHAPEFILE = "Shapefile"
    FLATGEOBUF = "FlatGeobuf"
    KML = "KML"
    GML = "GML"
    PARQUET = "GeoParquet"
    ZIP = "ZIP"


_MAGIC = {
    b"SQLite format 3\0": LayerKind.GEOPACKAGE,
    b"fgb\x03": LayerKind.FLATGEOBUF,
    b"PAR1": LayerKind.PARQUET,
    b"PK\x03\x04": LayerKind.ZIP,
    b"\x00\x00\x27\x0a": LayerKind.SHAPEFILE,
}
_TOPOLOGY = re.compile(rb'"type"\s*:\s*"Topology"')
_LEADS_ELSEWHERE = re.compile(
    rb"<OGR\w*DataSource|<VRTDataset|gdal_streamed_alg|GDALG", re.IGNORECASE
)
"""What makes GDAL open other files or addresses: virtual layers, services, streamed algorithms."""
_XML_LEAD = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_ROOT = re.compile(rb"<(?:([\w.\-]+):)?([\w.\-]+)([^>]*)")

EXPECTED = ", ".join(LayerKind) + ", or a table (CSV, XLSX) with columns of places"


def find_kind(path: Path) -> LayerKind:
    """Return the kind of a layer file.

    Raises
    ------
    InvalidDataError
        If it is none that is read.
    """
    with check_file(path).open("rb") as file:
        head = file.read(HEAD_BYTES)
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if _LEADS_ELSEWHERE.search(head):
        raise fail_file(
            path, "is no layer but leads to other files or addresses; it is not opened", EXPECTED
        )
    text = _to_plain(head)
    if text.startswith((b"{", b"[")):
        return LayerKind.TOPOJSON if _TOPOLOGY.search(text) else LayerKind.GEOJSON
    if text.startswith(b"<"):
        return _find_xml_kind(text, path)
    raise fail_file(
        path, f"is no layer of a kind that is read (begins with {head[:8]!r})", EXPECTED
    )


def _to_plain(head: bytes) -> bytes:
    for bom, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(bom):
            return head[2:].decode(encoding, errors="ignore").encode().lstrip()
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def _find_xml_kind(text: bytes, path: Path) -> LayerKind:
    lead = _XML_LEAD.match(text)
    rest = text[lead.end() if lead else 0 :]
    if b"<!" in rest[:2] or b"<!ENTITY" in text or b"<!DOCTYPE" in text:
        raise fail_file(path, "declares a document type, which may lead to other files", EXPECTED)
    root = _ROOT.match(rest)
    name, attributes = (root[2].decode(), root[3]) if root else ("", b"")
    if name == "kml":
        return LayerKind.KML
    if b"opengis.net/gml" in attributes or b"opengis.net/wfs" in attributes:
        return LayerKind.GML
    raise fail_file(path, f"is XML of another kind (<{name[:40]}>)", EXPECTED)
