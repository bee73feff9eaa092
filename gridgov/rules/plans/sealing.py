"""The hash over what a plan says: whoever approves it seals exactly these words."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def hash_content(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a plan's JSON but its number, revision and hash, as hexadecimal text.

    Parameters
    ----------
    content
        ``planner/documents/plan.schema.json``, with or without ``plan_no``.
    """
    kept = {name: value for name, value in content.items() if name != "plan_no"}
    kept |= {"revision": 0, "content_hash": ""}
    text = json.dumps(
        kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()
