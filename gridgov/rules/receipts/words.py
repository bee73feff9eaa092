"""One text for one value: what is hashed and signed must be written the same way by everybody."""

import json
from typing import Any


def write_plain(value: Any) -> bytes:
    r"""Return a value as JSON with sorted keys, without spaces, in ASCII.

    Only strings, whole numbers, lists and objects of them: these every program writes alike.

    Examples
    --------
    >>> write_plain({"b": 1, "a": "井"})
    b'{"a":"\\u4e95","b":1}'
    """
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
