"""Files with an order, a call or a task, and who has it in hand: parts of their pages, and the files themselves."""

import uuid

from flask import Blueprint, Response, g, render_template, request

from gridgov.errors import ForbiddenError, GridgovError
from gridgov.rules.uploads import LARGEST, UploadError, UploadKind
from gridgov.rules.uploads.contents import PICTURES, TYPES
from gridgov.services.attachments.folder import FileRefusedError, get_content
from gridgov.services.attachments.hands import GIVERS, assign, find_hand, list_members
from gridgov.services.attachments.keep import add_file, get_file, list_files, remove_file
from gridgov.services.attachments.subjects import SubjectKind, get_subject
from web.kit import limits
from web.kit.permissions import Permission, permission
from web.kit.service import get_scope, get_service, reading, writing

blueprint = Blueprint("work", __name__, url_prefix="/work")
Part = str | tuple[str, int]
ALONE = "default-src 'none'; sandbox"
"""Policy of a file: whatever it is, nothing in it runs or loads."""


@blueprint.get("/on/<kind>/<path:no>")
@permission(Permission.WORK_SHARE)
def show(kind: str, no: str) -> str:
    """Send the part of a page that shows files and who has the thing in hand."""
    return _show(kind, no)


def _show(kind: str, no: str, *, problem: str = "", detail: str = "") -> str:
    session, scope = reading(), get_scope()
    subject = get_subject(session, kind, no)
    is_own = subject.unit_code == scope.unit_code and subject.kind is not SubjectKind.CALL
    return render_template(
        "work/part.html",
        kind=kind,
        no=no,
        files=list_files(session, kind, no),
        pictures={one.value for one in PICTURES},
        hand=None if subject.kind is SubjectKind.CALL else find_hand(session, kind, no),
        members=list_members(session, kind, no) if is_own and scope.role in GIVERS else [],
        is_own=is_own,
        has_hand=subject.kind is not SubjectKind.CALL,
        own_id=scope.account_id,
        own_key=scope.person_key,
        new_no=str(uuid.uuid4()),
        accepted=",".join(TYPES.values()),
        largest_mb=max(LARGEST.values()) // (1024 * 1024),
        problem=problem,
        detail=detail,
    )


@blueprint.post("/files/<kind>/<path:no>")
@permission(Permission.WORK_SHARE)
@limits.limited(limits.CHANGES)
def add(kind: str, no: str) -> Part:
    """Keep a file; the same number sent again changes nothing."""
    sent = request.files.get("file")
    if sent is None:
        return _show(kind, no, problem="work.no_file"), 422
    data = sent.stream.read(max(LARGEST.values()) + 1)
    sent.close()
    settings, scope = get_service().settings, get_scope()
    try:
        with writing() as session:
            add_file(
                session,
                settings,
                kind,
                no,
                data=data,
                name=sent.filename or "",
                actor=scope.actor,
                by_name=g.visitor.name,
                at=get_service().get_now(),
                file_no=request.form.get("file_no", ""),
            )
    except UploadError as error:
        return _show(kind, no, problem=f"work.refused.{error.code}", detail=str(error)), 422
    except FileRefusedError as error:
        return _show(kind, no, problem="work.not_checked", detail=str(error)), 422
    return _show(kind, no)


@blueprint.post("/hand/<kind>/<path:no>")
@permission(Permission.WORK_SHARE)
def give(kind: str, no: str) -> Part:
    """Give a thing to somebody of its unit."""
    scope, asked = get_scope(), request.form.get("account_id", "")
    try:
        with writing() as session:
            assign(
                session,
                kind,
                no,
                int(asked) if asked.isdecimal() and len(asked) < 19 else None,
                actor=scope.actor,
                by_name=g.visitor.name,
                own_account_id=scope.account_id,
                at=get_service().get_now(),
            )
    except (ForbiddenError, GridgovError) as error:
        if isinstance(error, ForbiddenError):
            raise
        return _show(kind, no, problem="work.not_given", detail=str(error)), 422
    return _show(kind, no)


@blueprint.get("/file/<file_no>")
@permission(Permission.WORK_SHARE)
def send(file_no: str) -> Response:
    """Send a file to whoever sees what it belongs to."""
    row = get_file(reading(), file_no)
    kind = UploadKind(row.kind)
    response = Response(get_content(get_service().settings, row.sha256), mimetype=TYPES[kind])
    how = "inline" if kind in PICTURES else "attachment"
    response.headers.set("Content-Disposition", how, filename=f"{row.file_no}.{kind}")
    response.headers["Content-Security-Policy"] = ALONE
    return response


@blueprint.post("/file/<file_no>/remove")
@permission(Permission.WORK_SHARE)
def remove(file_no: str) -> str:
    """Take away a file that the visitor added."""
    with writing() as session:
        row = remove_file(session, file_no, actor=get_scope().actor, at=get_service().get_now())
        kind, no = row.subject_kind, row.subject_no
    return _show(kind, no)
