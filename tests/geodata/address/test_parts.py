"""The parser: parts of addresses as people speak and write them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.address import encode_texts, fold_text, parse_address
from geodata.address.folding import fold_with_positions
from geodata.address.lexicon import encode_names, make_lexicon
from geodata.address.trie import find_name, find_names_at, make_trie

SPOKEN = [
    ("甲17号", [("甲17号", "number")]),
    ("安德路６１", [("安德路", "way"), ("６１", "number")]),
    ("花市枣苑八号楼二单元", [("花市枣苑", "way"), ("八号楼", "number"), ("二单元", "number")]),
    (
        "東四北大街與金寶街交叉口",
        [("東四北大街", "way"), ("與", "and"), ("金寶街", "way"), ("交叉口", "cross")],
    ),
    ("景山公园东侧", [("景山公园", "text"), ("东侧", "side")]),
    ("中山公园内", [("中山公园", "text"), ("内", "inside")]),
    ("来广营地区清河营村", [("来广营地区", "street_text"), ("清河营村", "village_text")]),
    ("上海市世纪大道1号", [("上海市", "city"), ("世纪大道", "way"), ("1号", "number")]),
    (
        "您好，我住在丰收路5号附近",
        [
            ("您好", "noise"),
            ("，", "mark"),
            ("我住在", "noise"),
            ("丰收路", "way"),
            ("5号", "number"),
            ("附近", "near"),
        ],
    ),
    ("赵登禹路翠花街5号", [("赵登禹路", "way"), ("翠花街", "way"), ("5号", "number")]),
]


@pytest.mark.parametrize(("text", "wanted"), SPOKEN, ids=[text for text, _ in SPOKEN])
def test_spoken_addresses(text, wanted):
    assert [(part.text, part.kind) for part in parse_address(text)] == wanted


LADDERS = [
    "浙江省:province 绍兴市:city 越城区:district 迪荡街道:town 云东路:road 88号:number 3幢:building",
    "云东路:road 88号:number 3幢:building 2单元:unit 501室:room",
    "越城区:district 云东路:road",
    "越城区:district 迪荡街道:town",
    "江苏:province 常州:city 武进区:district 湖塘镇:town 人民路:road",
    "浙江:province 嘉兴:city 海宁市:district 许村镇:town 永福村:community 5组: 12号:number",
    "湖北省:province 恩施土家族苗族自治州:city 利川市:district 都亭街道:town",
    "云南省:province 昆明市:city 石林彝族自治县:district 鹿阜街道:town",
    "济南市:city 市中区:district 杆石桥街道:town",
    "青山湖小区:place 7:building -: 1203:room",
    "青山湖小区:place 7:building -: 2:unit -: 1203:room",
    "青山湖小区:place 7号楼:building -: 2:unit -: 1203:room",
    "青山湖小区:place 12楼:building 3单元:unit 502:room",
    "青山湖小区:place 3号楼:building 12楼:floor 1203室:room",
    "云东路:road 15-17号:number",
    "云东路:road 88号:number 环宇大厦:place B座:building 1203:room",
    "云东路:road 88号:number 环宇大厦:place 18F:floor",
    "12号大街:road 6号:number",
    "纬3路:road 18号:number",
    "金桥六条:road 9号:number",
    "住在: 山东省:province 济南市:city 历下区:district 泉城路:road",
    "长春路:road 5号:number",
    "中山东路:road 200号:number",
    "重庆南路:road 8号:number",
    "湖海南沿:road 12号:number",
    "河南岸街道:town 三环路:road",
    "西门外大街:road 5号:number",
]


@pytest.mark.parametrize("ladder", LADDERS)
def test_form_alone_tells_the_roles(ladder):
    wanted = [tuple(part.rsplit(":", 1)) for part in ladder.split(" ")]
    found = parse_address("".join(text for text, _ in wanted))
    assert [(part.text, part.role) for part in found] == wanted


def test_a_lexicon_of_areas_tells_what_is_short_for_them():
    lexicon, _ = make_lexicon(["越城区", "越城", "迪荡街道", "迪荡", "永福村", "云东路"])
    found = parse_address("绍兴市越城迪荡永福村3号", lexicon=lexicon)
    roles = ["city", "district", "town", "community", "number"]
    assert [part.role for part in found] == roles


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("四海南路7号", "四海南路"),
        ("小金桥胡同7号", "小金桥胡同"),
        ("宣化门内南小街7号", "宣化门内南小街"),
        ("金沙岸街7号", "金沙岸街"),
        ("金沙区永福路7号", "金沙区"),
    ],
)
def test_a_name_that_goes_on_is_another_name(text, first):
    lexicon, _ = make_lexicon(["金桥胡同", "宣化门", "金沙岸", "金沙", "南小街"])
    assert parse_address(text, lexicon=lexicon)[0].text == first


def test_radicals_are_the_characters_that_they_look_like():
    for plain, copied in (
        ("里东街", "⾥东街"), ("直门大街", "直⻔⼤街"), ("长安", "⻓安"), ("長安", "⾧安"),
        ("十一号", "⼗⼀号"), ("西风龙龟", "⻄⻛⻰⻱"), ("門", "⾨"),
    ):  # fmt: skip
        assert fold_text(copied) == fold_text(plain)
    assert parse_address("云东路⼗⼀号")[1].number == 11


NUMBERS = [
    ("丰收路一百零二号", 102, 102, "", "house"),
    ("丰收路二十一号", 21, 21, "", "house"),
    ("丰收路一〇二号", 102, 102, "", "house"),
    ("丰收路十号院", 10, 10, "", "house"),
    ("丰收路13-15号", 13, 15, "", "house"),
    ("丰收路25～37号", 25, 37, "", "house"),
    ("丰收路5、7、9号", 5, 9, "", "house"),
    ("丰收路乙20", 20, 20, "乙", "none"),
    ("丰收路３号楼", 3, 3, "", "building"),
    ("丰收路13800138000", 0, 0, "", "other"),
    ("丰收路50米", 50, 50, "", "distance"),
]


@pytest.mark.parametrize(("text", "number", "last", "variant", "unit"), NUMBERS)
def test_numbers(text, number, last, variant, unit):
    part = next(part for part in parse_address(text) if part.kind == "number")
    assert (part.number, part.last, part.variant) == (number, last, variant)
    assert part.unit == unit


def test_numerals_in_a_name_stay_in_the_name():
    lexicon, names = make_lexicon(["东四十条", "草厂七条"])
    parts = parse_address("东四十条二十一号", lexicon=lexicon)
    assert [(p.text, p.kind) for p in parts] == [("东四十条", "name"), ("二十一号", "number")]
    assert names[parts[0].name] == "东四十条"
    assert parts[1].number == 21


@settings(max_examples=150, deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from(
            '东西四十条胡同路街号院楼甲1２3一二、,-（) 与附近口南\t😀與內abZ"，'
        ),
        max_size=40,
    )
)
def test_parts_stand_in_the_text_in_order_and_nothing_is_lost(text):
    parts = parse_address(text)
    assert all(text[part.start : part.end] == part.text for part in parts)
    ends = [0, *(part.end for part in parts)]
    starts = [*(part.start for part in parts), len(text)]
    between = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    assert all(end <= start for end, start in zip(ends, starts, strict=True))
    assert fold_text("".join(between)) == ""


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=8))
def test_columns_fold_like_single_texts(texts):
    codes = encode_texts(pd.Series(texts, dtype=object))
    for row, text in enumerate(texts):
        clean = (text or "").encode("utf-8", "replace").decode()
        found = codes.codes[codes.start[row] : codes.start[row + 1]]
        assert found.tobytes().decode("utf-16-le") == fold_text(clean)


def test_folding_is_one_form_for_one_place():
    assert fold_text("東城區　安定門外大街　１８９號") == "东城区安定门外大街189号"
    folded, positions = fold_with_positions("甲 乙")
    assert folded == "甲乙"
    assert positions.tolist() == [0, 2]


def test_long_texts_are_not_read():
    assert parse_address("东" * 1001) == ()
    assert encode_texts(pd.Series(["东" * 1001, "东" * 1000])).too_long.tolist() == [True, False]


@settings(max_examples=100, deadline=None)
@given(
    st.sets(st.text(alphabet="东西南北", min_size=1, max_size=6), min_size=1, max_size=40),
    st.text(alphabet="东西南北中", min_size=1, max_size=12),
)
def test_trie_finds_what_a_set_finds(names, text):
    listed = sorted(names)
    trie = make_trie(*encode_names(listed))
    codes = encode_names([text])[0]
    ends, ids = np.zeros(8, np.int64), np.zeros(8, np.int64)
    for at in range(len(text)):
        found = find_names_at(trie, codes, at, ends, ids)
        wanted = [text[at:end] for end in range(at + 1, len(text) + 1) if text[at:end] in names]
        assert [listed[i] for i in ids[:found]] == wanted
    assert find_name(trie, codes) == (listed.index(text) if text in names else -1)
