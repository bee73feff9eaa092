"""The export as it was at a moment, against a table made by hand."""

import pandas as pd

from gridgov.sample.export.moment import cut_export


def test_what_came_later_is_not_there():
    table = pd.DataFrame(
        [
            # received, contacted, closed, contacted?, solved?, satisfied?
            (
                "2025-12-31 09:00:00",
                "2025-12-31 10:00:00",
                "2025-12-31 12:00:00",
                "是",
                "是",
                "满意",
            ),
            (
                "2025-12-31 09:00:00",
                "2025-12-31 10:00:00",
                "2025-12-31 18:00:00",
                "是",
                "否",
                "不满意",
            ),
            ("2025-12-31 14:00:00", "2025-12-31 15:30:00", "", "", "", ""),
            ("2025-12-31 15:00:00", "", "", "", "", ""),
            ("2025-12-31 15:00:01", "", "", "", "", ""),
            ("2025年末", "", "", "", "", ""),
        ],
        columns=["受理时间", "首次联系时间", "办结时间", "是否联系", "是否解决", "满意度"],
    )
    before = table.copy()
    cut = cut_export(table, pd.Timestamp("2025-12-31 15:00"))
    assert cut.values.tolist() == [
        ["2025-12-31 09:00:00", "2025-12-31 10:00:00", "2025-12-31 12:00:00", "是", "是", "满意"],
        ["2025-12-31 09:00:00", "2025-12-31 10:00:00", "", "", "", ""],
        ["2025-12-31 14:00:00", "", "", "", "", ""],
        ["2025-12-31 15:00:00", "", "", "", "", ""],
        ["2025年末", "", "", "", "", ""],
    ]
    pd.testing.assert_frame_equal(table, before)
