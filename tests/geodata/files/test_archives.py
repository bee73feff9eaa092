"""Small files that unpack to very much are refused before they are read; real ones are not."""

import subprocess
import sys
import textwrap
import zipfile

import pandas as pd
import pytest

from geodata.errors import InvalidDataError
from geodata.files import read_layer, read_table, write_table

SHEET = "xl/worksheets/sheet1.xml"


def make_book(path, rows):
    """Write a workbook whose sheet has the rows (bytes of XML) after a header."""
    write_table(pd.DataFrame({"a": ["1"], "b": ["2"]}), path)
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts[SHEET] = parts[SHEET].replace(b"</sheetData>", rows + b"</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return path


READ = """
    import resource, sys
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    from geodata.errors import InvalidDataError
    from geodata.files import read_table
    try:
        read_table(sys.argv[1])
    except InvalidDataError as error:
        print(error)
    status = open("/proc/self/status").read()
    print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


def read_apart(path):
    """Return what a process of its own says of a file, and the memory that it took (MiB)."""
    words = [sys.executable, "-c", textwrap.dedent(READ), str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    *said, memory = done.stdout.splitlines()
    return "\n".join(said), int(memory)


def test_a_value_in_the_last_column_of_many_rows_is_refused(tmp_path):
    row = b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>'
    rows = b"".join(row % (at, at) for at in range(3, 20_000))
    path = make_book(tmp_path / "wide.xlsx", rows)
    assert path.stat().st_size < 200_000
    said, memory = read_apart(path)
    assert "cells, nearly all of them empty" in said
    assert memory < 600


def test_what_unpacks_to_much_more_than_it_is_is_refused(tmp_path):
    path = make_book(tmp_path / "big.xlsx", b" " * (150 * 1024 * 1024))
    assert path.stat().st_size < 500_000
    said, memory = read_apart(path)
    assert "times its size" in said
    assert memory < 600


def test_a_full_sheet_of_repeated_values_is_read(tmp_path):
    frame = pd.DataFrame({f"c{at}": ["占道经营", "噪声"] * 5_000 for at in range(12)})
    write_table(frame, tmp_path / "full.xlsx")
    read, problems = read_table(tmp_path / "full.xlsx")
    assert problems == []
    pd.testing.assert_frame_equal(
        read.reset_index(drop=True), frame.astype("str"), check_dtype=False
    )


def test_rows_that_a_tool_left_formatted_are_read(tmp_path):
    """Spreadsheets keep thousands of empty rows that were once formatted."""
    rows = b"".join(
        b'<row r="%d"><c r="A%d"/><c r="T%d"/></row>' % (at, at, at) for at in range(3, 50_000)
    )
    path = make_book(tmp_path / "formatted.xlsx", rows)
    try:
        read, _ = read_table(path)
    except InvalidDataError as error:
        pytest.fail(str(error))
    assert read["a"].iloc[0] == "1"


KML = (
    b'<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
    b"<Placemark><name>a</name><Polygon><outerBoundaryIs><LinearRing><coordinates>"
    b"116,39 116.1,39 116.1,39.1 116,39</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
)


@pytest.mark.parametrize("name", ["areas.kmz", "areas.zip"])
@pytest.mark.parametrize("where", ["in the layer", "beside it"])
def test_a_packed_layer_that_unpacks_to_much_more_than_it_is_is_refused(tmp_path, name, where):
    blanks = b" " * (80 * 1024 * 1024)
    for filled in (False, True):
        parts = {"doc.kml": KML + b"</Document></kml>"}
        if filled and where == "in the layer":
            parts["doc.kml"] = KML + blanks + b"</Document></kml>"
        elif filled:
            parts["doc.dbf"] = blanks
        with zipfile.ZipFile(
            tmp_path / name, "w", zipfile.ZIP_DEFLATED, compresslevel=9
        ) as archive:
            for part, content in parts.items():
                archive.writestr(part, content)
        if filled:
            with pytest.raises(InvalidDataError, match=r"times its size.*own file"):
                read_layer(tmp_path / name, datum="WGS84")
        else:
            assert len(read_layer(tmp_path / name, datum="WGS84")[0]) == 1
