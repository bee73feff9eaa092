"""Personal numbers never leave in clear; ordinary numbers are left alone."""

import pandas as pd
import pytest

from gridgov.rules.privacy import mask_series, mask_shortened, mask_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("我的电话13812345678，请回电", "我的电话138****5678，请回电"),
        ("电话 138-1234-5678", "电话 138****5678"),
        ("+86 13812345678", "+86 138****5678"),
        ("身份证11010119900307123X", "身份证110101***********X"),
        ("座机010-12345678转3", "座机010-*****678转3"),
        ("座机0317 1234567", "座机0317-*****567"),
        ("卡号6222 0211 1122 3344", "卡号6222********3344"),
        ("卡号6222021111223344556", "卡号6222********4556"),
        ("邮箱zhang.san@mail.example.cn", "邮箱***@mail.example.cn"),
        ("电话１３８１２３４５６７８谢谢", "电话138****5678谢谢"),
        ("电话1 3 8 1 2 3 4 5 6 7 8。", "电话138****5678。"),
        ("电话138\u200b1234\u200b5678", "电话138****5678"),
        ("打一三八一二三四五六七八", "打138****5678"),
        ("打幺三八，不，幺三八幺二三四五六七八", "打幺三八，不，138****5678"),
        ("电话138.1234.5678", "电话138****5678"),
        ("电话013812345678", "电话0138****5678"),
        ("(010)12345678", "(010-*****678"),
        ("身份证１１０１０１１９９００３０７１２３Ｘ", "身份证110101***********X"),
        ("身份证 110101 19900307 123X", "身份证 110101***********X"),
        ("车牌京A12345占道", "车牌京A****5占道"),
        ("车牌京AD12345", "车牌京A****5"),
        ("冀B·1234挂", "冀B****挂"),
        ("护照E12345678", "护照E******78"),
        ("护照号K1234567", "护照号K******67"),
        ("加微信zhang_san88", "加微信z*****"),
        ("微信号：wxid12345", "微信号：w*****"),
        ("QQ 123456789", "QQ 1*****"),
        (
            "邮箱ｚｈａｎｇ＠ｍａｉｌ．ｅｘａｍｐｌｅ．ｃｎ",
            "邮箱***＠ｍａｉｌ．ｅｘａｍｐｌｅ．ｃｎ",
        ),
    ],
)
def test_personal_numbers_are_masked(text, masked):
    assert mask_text(text) == masked
    assert mask_text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "朝阳区建国路甲17号院3号楼2单元1201",
        "工单编号20240601123456789012",
        "2024-06-01 12:30:00 起停水",
        "已拨打12345三次",
        "押金 13800 元",
        "坐标 116.403874,39.914885",
        "网格110101001001001",
        "一二三四五六七日都没人",
        "京藏高速辅路G6出口",
        "QQ浏览器打不开，微信群里说过",
        "三百六十五天，二十四小时",
        "2024年5月6日8时30分停水，3号楼2单元1201室",
    ],
)
def test_other_numbers_stay(text):
    assert mask_text(text) == text


def test_series_equals_one_by_one_and_keeps_missing():
    texts = pd.Series(
        ["电话13812345678", None, "没有号码", "a@b.example"], index=[7, 3, 5, 1], dtype="str"
    )
    masked = mask_series(texts)
    expected = pd.Series(
        ["电话138****5678", None, "没有号码", "***@b.example"], index=[7, 3, 5, 1], dtype="str"
    )
    pd.testing.assert_series_equal(masked, expected)


def test_what_a_mask_finds_is_suspect():
    """The quick look must let through whatever the close look would change."""
    cases = test_personal_numbers_are_masked.pytestmark[0].args[1]
    texts = pd.Series([text for text, _ in cases], dtype="str")
    assert list(mask_series(texts)) == [masked for _, masked in cases]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("电话13812345678，邻居1390000…", "电话138****5678，邻居…"),
        ("电话139 000 0…", "电话…"),
        ("电话１３９００００…", "电话…"),
        ("三月…", "三月…"),
        ("电话13812345678", "电话138****5678"),
    ],
)
def test_half_a_number_does_not_stay(text, masked):
    assert mask_shortened(text) == masked
