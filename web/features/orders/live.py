"""Live updates: one watcher per process looks at the log, every open page waits for it (server-sent events).

Pages are told only that something changed; they fetch their rows anew, through their own rights.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa
from flask import Response, current_app
from sqlalchemy.orm import Session

from gridgov.services.accounts.access import SECURITY_KINDS
from gridgov.storage.models.journal import LogEntry
from web.features.orders.blueprint import blueprint
from web.kit.permissions import Permission, permission
from web.kit.service import Service, close_reading, get_service

LOOK_EVERY_S = 2.0
BEAT_EVERY_S = 15.0
"""A line now and then, so that nobody in between takes the connection for dead."""
LIVES_S = 240.0
"""A connection ends by then and the page opens a new one: an ended session does not stay connected."""
PLACES = 16
"""Open connections of a process at most, where ``gridgov serve`` does not say otherwise."""
ASK_AGAIN_MS = 20_000
"""How often a page asks that found no place."""
EXTENSION = "gridgov_watcher"


def get_newest_change(session: Session) -> int:
    """Return the newest entry of the log that may change a page, 0 for none: who looked at something changes none."""
    shown = sa.select(LogEntry.id).where(LogEntry.subject_kind.not_in(SECURITY_KINDS))
    return session.scalar(shown.order_by(LogEntry.id.desc()).limit(1)) or 0


def find_newest_change() -> int:
    """Return the newest entry of the whole log: a number that says nothing of what is in it.

    ListRequest without the visitor's scope, in which the newest entry would have to be looked for one by one.
    """
    with get_service().read_sessions() as session:
        return get_newest_change(session)


@dataclass(kw_only=True)
class Watcher:
    """Looks at the log while anybody waits; without a page it sleeps.

    Each page that waits holds a thread of its process, so only `places` may: were there more such pages than threads,
    nobody else would be served.
    """

    service: Service
    places: int = PLACES
    newest: int = 0
    waiting: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None

    def wait(self, seen: int, timeout_s: float) -> int:
        """Return the newest entry as soon as it is not `seen`, or what it is when the time is over."""
        with self._changed:
            self._start()
            self._changed.wait_for(lambda: self.newest > seen, timeout_s)
            return max(self.newest, seen)

    def enter(self) -> bool:
        """Count one page more that waits, if there is a place for it; tell whether there was."""
        with self._changed:
            is_free = self.waiting < self.places
            self.waiting += is_free
            return is_free

    def leave(self) -> None:
        """Count one page less."""
        with self._changed:
            self.waiting -= 1

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._look, name="gridgov-live", daemon=True)
            self._thread.start()

    def _look(self) -> None:
        while True:
            try:
                with self.service.read_sessions() as session:
                    newest = get_newest_change(session)
            except sa.exc.SQLAlchemyError:
                newest = self.newest  # the database is away for a moment: look again
            with self._changed:
                if newest > self.newest:
                    self.newest = newest
                    self._changed.notify_all()
                if not self.waiting:
                    self._thread = None
                    return
            time.sleep(LOOK_EVERY_S)


def get_watcher() -> Watcher:
    """Return the watcher of this process."""
    places = int(current_app.config.get("LIVE_PLACES", PLACES))
    found = current_app.extensions.setdefault(
        EXTENSION, Watcher(service=get_service(), places=places)
    )
    assert isinstance(found, Watcher)  # noqa: S101 - set above
    return found


@blueprint.get("/stream")
@permission(Permission.ORDERS_READ)
def stream() -> Response:
    """Tell an open page of changes as they come."""
    seen = find_newest_change()
    # The connection lasts for minutes: it must not keep a database connection with it.
    close_reading()
    lives_s = float(current_app.config.get("LIVE_STREAM_S", LIVES_S))
    return Response(
        tell_changes(get_watcher(), seen, lives_s=lives_s),
        mimetype="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def tell_changes(watcher: Watcher, seen: int, *, lives_s: float) -> Iterator[str]:
    """Give events: ``changed`` with the number of the newest entry of the log, after `seen`.

    Where all places are taken, the newest entry is told and the connection ends; the browser opens it again by itself
    after :data:`ASK_AGAIN_MS`, so that such a page is a little late and nobody is shut out.
    """
    # Not before the first event is asked for: a response that is never read would keep its place for ever.
    if not watcher.enter():
        yield f"retry: {ASK_AGAIN_MS}\nevent: hello\ndata: {seen}\n\n"
        return
    try:
        end = time.monotonic() + lives_s
        yield f"retry: 3000\nevent: hello\ndata: {seen}\n\n"
        while (left := end - time.monotonic()) > 0:
            newest = watcher.wait(seen, min(BEAT_EVERY_S, left))
            yield f"event: changed\ndata: {newest}\n\n" if newest > seen else ": still here\n\n"
            seen = newest
    finally:
        watcher.leave()
