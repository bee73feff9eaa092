"""Issues (问题点位): which appeals are about the same thing at the same place, as proposals with reasons.

In come orders with text, place, item and person; out go pairs with their probability and the issues they make
(``find``), and the record of merges and splits that people decide (``lineage``).
"""
