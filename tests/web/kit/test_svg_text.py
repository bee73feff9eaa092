import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.kit.svg_text import ELLIPSIS, measure_em, wrap_text

TEXTS = st.text(alphabet=st.sampled_from("水务局路abc 12，。"), max_size=60)


def test_chinese_is_wider_than_latin() -> None:
    assert measure_em("水务局") == 3.0
    assert measure_em("abc") < 2.0


@given(text=TEXTS, width=st.floats(2, 12), lines=st.integers(1, 3))
def test_every_line_fits_and_nothing_is_lost_in_silence(
    text: str, width: float, lines: int
) -> None:
    made = wrap_text(text, width_em=width, lines=lines)
    assert len(made) <= lines
    assert all(measure_em(line) <= width + 1e-9 for line in made)
    shown = "".join(made).replace(" ", "")
    whole = text.replace(" ", "")
    assert shown == whole or (shown.endswith(ELLIPSIS) and whole.startswith(shown[:-1]))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ()),
        ("路灯", ("路灯",)),
        ("Department of Water", ("Department", "of Water")),
    ],
)
def test_words_break_at_spaces(text: str, lines: tuple[str, ...]) -> None:
    assert wrap_text(text, width_em=6, lines=2) == lines
