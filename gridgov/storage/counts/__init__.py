"""Kept sums of orders by place, item, day and outcome: changed with each order, compacted, read by lists and
maps."""
