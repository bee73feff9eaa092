"""Personal numbers never leave in clear; ordinary numbers are left alone."""

import pandas as pd
import pytest

from gridgov.rules.privacy import mask_series, mask_text


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
        ("卡号6222021111223344556", "卡号6222********556"),
        ("邮箱zhang.san@mail.example.cn", "邮箱***@mail.example.cn"),
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
