"""Settings from the environment, and that each of them is documented."""

from dataclasses import fields
from pathlib import Path

import pytest

from gridgov.services.settings import PREFIX, ServiceSettings, SettingError, read_settings

DOCS = Path(__file__).resolve().parents[3] / "docs" / "settings.md"


def test_every_setting_is_documented_with_its_default():
    text = DOCS.read_text("utf-8")
    for one in fields(ServiceSettings):
        name = f"`{PREFIX}{one.name.upper()}`"
        default = str(one.default).lower() if isinstance(one.default, bool) else one.default
        row = (
            f"| {name} | {f'`{default}`' if default != '' else 'empty'} | {one.metadata['text']} |"
        )
        assert row in text, row
    assert text.count(f"| `{PREFIX}") == len(fields(ServiceSettings))


def test_values_have_their_kind():
    read = read_settings({"GRIDGOV_SMTP_PORT": "2525", "GRIDGOV_DEMO": "Yes", "GRIDGOV_SALT": "x"})
    assert (read.smtp_port, read.demo, read.salt) == (2525, True, "x")
    assert read_settings({}) == ServiceSettings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("GRIDGOV_SMTP_PORT", "-1"), ("GRIDGOV_SMTP_PORT", "a"), ("GRIDGOV_DEMO", "perhaps")],
)
def test_other_values_are_refused_by_name(name, value):
    with pytest.raises(SettingError, match=name):
        read_settings({name: value})
