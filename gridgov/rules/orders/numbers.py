"""Numbers of orders where two sources use the same ones."""

from hashlib import sha256

LONGEST_ORDER_NO = 80
"""Characters that every table holds."""
_DIGITS = 16


def add_source(order_no: str, source: str) -> str:
    """Return an order's number with its source before it, the same every time and other than any other.

    One that would be longer than :data:`LONGEST_ORDER_NO` ends with a hash of the whole.

    Examples
    --------
    >>> add_source("A1-1", "12345")
    '12345:A1-1'
    >>> len(add_source("A" * 72, "hotline"))
    80
    >>> len(add_source("A" * 72, "the hotline of the city"))
    80
    """
    whole = f"{source}:{order_no}"
    if len(whole) <= LONGEST_ORDER_NO:
        return whole
    end = sha256(whole.encode()).hexdigest()[:_DIGITS]
    return f"{whole[: LONGEST_ORDER_NO - _DIGITS - 1]}~{end}"
