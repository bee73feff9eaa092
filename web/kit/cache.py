"""Answers that many visitors share for some seconds: made once, while the others wait for it."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from flask import current_app, request

from web.kit.i18n import find_language
from web.kit.page_scope import carry
from web.kit.service import get_scope

T = TypeVar("T")
EXTENSION = "gridgov_cache"
MOST_KEPT = 512
"""Answers kept in a process; the one unused for longest goes first."""


@dataclass(kw_only=True, eq=False)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    until: float = 0.0
    value: Any = None


@dataclass(kw_only=True, eq=False)
class Cache:
    """Answers by key, each for its time."""

    entries: OrderedDict[Hashable, _Entry] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable, make: Callable[[], T], *, seconds: float) -> T:
        """Return the answer under `key`, made anew if it is older than `seconds`; what `make` raises is not kept."""
        with self.lock:
            entry = self.entries.setdefault(key, _Entry())
            self.entries.move_to_end(key)
            if len(self.entries) > MOST_KEPT:
                self.entries.popitem(last=False)
        with entry.lock:
            if time.monotonic() >= entry.until:
                entry.value = make()
                entry.until = time.monotonic() + seconds
            return cast("T", entry.value)


def share(name: str, make: Callable[[], T], *, seconds: float, more: Hashable = ()) -> T:
    """Return an answer that everybody with the same view of the city shares for `seconds`.

    The key holds what the visitor may see, the language, and the unit and window of the address; whatever else
    decides the answer belongs into `more`.
    """
    scope = get_scope()
    seen = ("all",) if scope.sees_all else scope.unit_codes
    address = tuple(sorted(carry(request.args).items()))
    key = (name, scope.role, seen, find_language(), address, more)
    cache: Cache = current_app.extensions.setdefault(EXTENSION, Cache())
    return cache.get(key, make, seconds=seconds)
