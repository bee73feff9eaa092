"""An index file gives back the same index, or says what is wrong with it and what to do."""

import numpy as np
import pytest
import shapely

from geodata.areas import AreaIndex, IndexFileError
from geodata.areas.store import FORMAT_VERSION, MAGIC, PREFIX
from geodata.errors import GeodataError
from tests.geodata.areas.jurisdiction_layers import make_codes, make_coverage


@pytest.fixture
def index():
    shapes = make_coverage(np.random.default_rng(1))
    return AreaIndex.build(shapes, make_codes(len(shapes)))


def test_a_loaded_index_is_the_same(index, tmp_path):
    path = tmp_path / "streets.index"
    index.save(path)
    loaded = AreaIndex.load(str(path))
    assert list(loaded.codes) == list(index.codes)
    assert loaded.content_hash == index.content_hash
    x, y = np.random.default_rng(2).uniform(-1, 9, (2, 20_000))
    np.testing.assert_array_equal(loaded.locate_positions(x, y), index.locate_positions(x, y))
    np.testing.assert_array_equal(loaded.near(x, y).boundary_m, index.near(x, y).boundary_m)


def test_chinese_codes_survive(tmp_path):
    index = AreaIndex.build([shapely.box(0, 0, 1, 1)], ["体育馆路街道"])
    index.save(tmp_path / "索引.index")
    assert list(AreaIndex.load(tmp_path / "索引.index").codes) == ["体育馆路街道"]


def test_the_same_areas_give_the_same_bytes(index, tmp_path):
    index.save(tmp_path / "a")
    index.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_arrays_are_mapped_and_cannot_be_changed(index, tmp_path):
    index.save(tmp_path / "a")
    loaded = AreaIndex.load(tmp_path / "a")
    for array in (loaded.compiled.cells, loaded.codes, index.compiled.cells, index.codes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[-1]
    assert not loaded.compiled.cells.flags.owndata


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.999999])
def test_one_changed_bit_is_found(index, tmp_path, share):
    path = tmp_path / "a"
    index.save(path)
    data = bytearray(path.read_bytes())
    place = PREFIX.size + int((len(data) - PREFIX.size) * share)
    data[place] ^= 16
    path.write_bytes(data)
    with pytest.raises(IndexFileError, match=r"a: is damaged .*; build the index again"):
        AreaIndex.load(path)


def test_a_file_cut_short_is_found(index, tmp_path):
    path = tmp_path / "a"
    index.save(path)
    data = path.read_bytes()
    for length in (10, PREFIX.size, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(IndexFileError, match=r"damaged|not an index"):
            AreaIndex.load(path)


def test_another_version_is_named(index, tmp_path):
    path = tmp_path / "a"
    index.save(path)
    data = bytearray(path.read_bytes())
    data[len(MAGIC)] = FORMAT_VERSION + 1
    path.write_bytes(data)
    with pytest.raises(IndexFileError, match=rf"version {FORMAT_VERSION + 1}.*{FORMAT_VERSION}"):
        AreaIndex.load(path)


@pytest.mark.parametrize("content", [b"", b"x", b"{}" * 100])
def test_another_file_is_no_index(tmp_path, content):
    path = tmp_path / "a.geojson"
    path.write_bytes(content)
    with pytest.raises(GeodataError, match=r"a\.geojson: (is not an index|cannot be read)"):
        AreaIndex.load(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(GeodataError, match="No such file"):
        AreaIndex.load(tmp_path / "none")
    with pytest.raises(GeodataError, match="directory"):
        AreaIndex.load(tmp_path)
