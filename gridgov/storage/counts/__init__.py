"""Kept sums of orders by place, item, day and outcome.

Changed with each order, compacted by a job, read by lists and maps.
"""
