"""Rows as frames."""

import pandas as pd
import sqlalchemy as sa

from gridgov.storage.statement_frames import to_frame


def test_rows_of_a_statement_become_a_frame_of_their_columns(engine):
    chosen = sa.select(sa.literal(1), sa.literal("街道")).union_all(
        sa.select(sa.literal(2), sa.literal("社区"))
    )
    with engine.connect() as connection:
        frame = to_frame(connection.execute(chosen), ("n", "kind"))
    expected = pd.DataFrame({"n": [1, 2], "kind": ["街道", "社区"]})
    pd.testing.assert_frame_equal(frame, expected)


def test_no_rows_keep_their_columns():
    assert list(to_frame([], ("code", "n")).columns) == ["code", "n"]
