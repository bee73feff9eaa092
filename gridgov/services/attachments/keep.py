"""Files are added, listed, given out and taken away; each step is in the log of the thing they belong to."""

import uuid
from datetime import datetime
from pathlib import PurePath

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import ConflictError, ForbiddenError, GridgovError, NotFoundError
from gridgov.rules.orders.needs import Actor
from gridgov.rules.privacy import mask_text
from gridgov.rules.uploads import Upload, read_upload
from gridgov.services.attachments.folder import get_content, put_content
from gridgov.services.attachments.subjects import LOG_KINDS, Subject, get_subject
from gridgov.services.settings import ServiceSettings
from gridgov.storage.audit import log as audit
from gridgov.storage.models.work import Attachment
from gridgov.storage.scope.apply import without_row_scope

MOST_FILES = 50
"""With one thing: more are no evidence but a dump."""
LONGEST_NAME = 120


def add_file(
    session: Session,
    settings: ServiceSettings,
    kind: str,
    no: str,
    *,
    data: bytes,
    name: str,
    actor: Actor,
    by_name: str,
    at: datetime,
    file_no: str = "",
) -> Attachment:
    """Keep a file with an order, a call or a task; return its row, flushed.

    Parameters
    ----------
    kind, no
        What it belongs to (``subjects``).
    data, name
        As they were sent; both are cleaned.
    file_no
        UUID that a phone gave it: the same one sent again gives the row that is there.

    Raises
    ------
    NotFoundError
        The thing is not there for this account.
    UploadError, FileRefusedError
        The file is not kept, and why.
    ConflictError
        Another file was sent under the same number.
    GridgovError
        The number is no UUID, or there are :data:`MOST_FILES` already.
    """
    subject = get_subject(session, kind, no)
    number = _read_number(file_no)
    upload = read_upload(data)
    known = _find_known(session, number)
    if known is not None:
        return _check_same(known, subject, upload, settings)
    with without_row_scope(session):
        count = sa.select(sa.func.count()).where(
            Attachment.subject_kind == subject.kind,
            Attachment.subject_no == subject.no,
            Attachment.removed_at.is_(None),
        )
        if (session.scalar(count) or 0) >= MOST_FILES:
            raise GridgovError(f"{subject.kind} {subject.no}: has {MOST_FILES} files already")
        made = Attachment(
            file_no=number,
            subject_kind=subject.kind.value,
            subject_no=subject.no,
            order_id=subject.order_id,
            plan_task_id=subject.plan_task_id,
            kind=upload.kind.value,
            name=clean_name(name, upload),
            size=len(upload.content),
            sha256=put_content(settings, upload.content),
            added_by=actor.person_key,
            by_name=by_name[:80],
            unit_code=actor.unit_code,
            added_at=at,
        )
        session.add(made)
        session.flush()
        _log(session, "attach", subject, made, actor=actor, at=at)
    return made


def _read_number(text: str) -> str:
    if not text:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise GridgovError(f"file number {text!r}: expected a UUID") from error


def _find_known(session: Session, number: str) -> Attachment | None:
    with without_row_scope(session):
        return session.scalars(sa.select(Attachment).where(Attachment.file_no == number)).first()


def _check_same(
    known: Attachment, subject: Subject, upload: Upload, settings: ServiceSettings
) -> Attachment:
    same = (known.subject_kind, known.subject_no) == (subject.kind.value, subject.no)
    if not same or get_content(settings, known.sha256) != upload.content:
        raise ConflictError("file", known.file_no, seen=None, found=None)
    return known


def clean_name(name: str, upload: Upload) -> str:
    """Return a name that people recognise, without a path or a personal number, with the ending of the content.

    Examples
    --------
    >>> from gridgov.rules.uploads import UploadKind
    >>> clean_name("../../etc/photo.exe", Upload(kind=UploadKind.JPG, content=b""))
    'photo.jpg'
    """
    stem = PurePath(name.replace("\\", "/")).stem
    # A space in place of a sign: what stood apart from a number must not grow together with it.
    shown = "".join(sign if sign.isprintable() and sign not in '<>:"|?*' else " " for sign in stem)
    short = " ".join(mask_text(shown).split()).strip(" .")[: LONGEST_NAME - 5]
    return f"{short or 'file'}.{upload.kind.value}"


def list_files(session: Session, kind: str, no: str) -> list[Attachment]:
    """Return the files of a thing that the session sees, the first first.

    Raises
    ------
    NotFoundError
        The thing is not there for this account.
    """
    subject = get_subject(session, kind, no)
    query = sa.select(Attachment).where(
        Attachment.subject_kind == subject.kind.value,
        Attachment.subject_no == subject.no,
        Attachment.removed_at.is_(None),
    )
    return list(session.scalars(query.order_by(Attachment.id)))


def get_file(session: Session, file_no: str) -> Attachment:
    """Return the row of a file that the session sees.

    Raises
    ------
    NotFoundError
        There is none, or not for this account, or it was taken away.
    """
    query = sa.select(Attachment).where(
        Attachment.file_no == file_no, Attachment.removed_at.is_(None)
    )
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFoundError("file", file_no)
    return found


def remove_file(session: Session, file_no: str, *, actor: Actor, at: datetime) -> Attachment:
    """Take a file out of sight; its bytes and its row stay, as the log names them.

    Raises
    ------
    NotFoundError
        As :func:`get_file`.
    ForbiddenError
        Somebody else added it.
    """
    found = get_file(session, file_no)
    if found.added_by != actor.person_key:
        raise ForbiddenError(f"file {file_no}: was added by somebody else, who alone may remove it")
    subject = get_subject(session, found.subject_kind, found.subject_no)
    with without_row_scope(session):
        found.removed_by, found.removed_at = actor.person_key, at
        session.flush()
        _log(session, "detach", subject, found, actor=actor, at=at)
    return found


def _log(
    session: Session, action: str, subject: Subject, row: Attachment, *, actor: Actor, at: datetime
) -> None:
    facts = {
        "file_no": row.file_no,
        "name": row.name,
        "kind": row.kind,
        "size": row.size,
        "sha256": row.sha256,
    }
    audit.record(
        session,
        at=at,
        action=action,
        subject_kind=LOG_KINDS[subject.kind],
        subject_no=subject.log_no,
        before=None if action == "attach" else facts,
        after=facts if action == "attach" else None,
        actor=actor,
    )
