"""Receipts as a caller has them: good for the separate verifier, and not after any change, move, cut or exchange."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gridgov.errors import NotFoundError
from gridgov.services.receipts.caller_status import (
    find_status,
    list_roots,
    make_receipt,
    make_secret,
)
from gridgov.services.receipts.seal import check_roots, seal_day
from gridgov.services.settings import ServiceSettings, SettingError
from gridgov.storage.db import transaction
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.journal import LogEntry, Receipt, SignedRoot
from tests.gridgov.services.city import DISPATCHER, NOW, take

VERIFY = Path(__file__).resolve().parents[4] / "docs" / "receipts" / "verify.py"
SETTINGS = ServiceSettings(receipt_key="1f" * 32)
OTHER = ServiceSettings(receipt_key="2e" * 32)


@pytest.fixture
def sealed(loaded, runtime):
    """Two days of appeals, each sealed, and one appeal of today."""
    for day in range(3):
        with transaction(loaded) as session:
            for n in range(3 - day):
                take(session, runtime, appeal_no=f"A{day}{n}", text=f"第{n}件：井盖坏了")
        seal(loaded, runtime, days=day + 1)
        if day == 1:
            break
    with transaction(loaded) as session:
        take(session, runtime, appeal_no="today")
    return loaded


def seal(sessions, runtime, *, days):
    now = NOW + timedelta(days=days)
    return seal_day(sessions, SETTINGS, city="样例市", zone=runtime.zone, now=now)


def read_receipt(sessions, appeal_no, settings=SETTINGS):
    with sessions() as session:
        appeal_id = session.scalar(sa.select(Appeal.id).where(Appeal.appeal_no == appeal_no))
        return make_receipt(session, settings, appeal_id)


def verify(tmp_path, receipt, key="", roots=None):
    """Run the program of the documents as a caller does; return what it says."""
    file, kept = tmp_path / "receipt.json", tmp_path / "roots.json"
    file.write_text(json.dumps(receipt), "utf-8")
    words = [sys.executable, "-I", "-O", str(VERIFY), str(file), key]
    if roots is not None:
        kept.write_text(json.dumps(roots), "utf-8")
        words.append(str(kept))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else done.stderr


def test_the_verifier_is_sixty_lines_and_needs_nothing_of_ours():
    lines = [line for line in VERIFY.read_text("utf-8").splitlines() if line.strip()]
    assert len(lines) <= 60
    assert "gridgov" not in "".join(line for line in lines if "import" in line)


def test_receipts_are_good_and_every_change_of_one_is_found(sealed, tmp_path):
    with sealed() as session:
        roots = list_roots(session, SETTINGS)
    key = roots["public_key"]
    for appeal_no in ("A00", "A02", "A11"):
        good = verify(tmp_path, read_receipt(sealed, appeal_no), key, roots)
        assert good.startswith(f"good: {appeal_no}, sealed by 样例市 on 2024-"), good
    receipt = read_receipt(sealed, "A01")
    text = json.dumps(receipt)
    changed = {
        "words": text.replace(json.dumps("第1件：井盖坏了"), '"x"'),
        "time": text.replace(receipt["leaf"]["received_at"], "2020-01-01T00:00:00Z"),
        "place": json.dumps(receipt | {"index": receipt["index"] - 1}),
        "outside": json.dumps(receipt | {"index": receipt["statement"]["size"]}),
        "path": json.dumps(receipt | {"path": receipt["path"][64:]}),
        "longer": json.dumps(receipt | {"path": receipt["path"] + "00" * 32}),
        "root": json.dumps(receipt | {"statement": receipt["statement"] | {"day": "2023-01-01"}}),
        "signature": json.dumps(receipt | {"signature": "00" + receipt["signature"][2:]}),
        "short": json.dumps(receipt | {"signature": receipt["signature"][:64]}),
        "no key": json.dumps(receipt | {"public_key": "ff" * 32}),
        "nothing": "{}",
    }
    for what, wrong in changed.items():
        assert wrong != text, what
        assert verify(tmp_path, json.loads(wrong)).startswith("NOT GOOD"), what
    # Of another city: signed well, with another key.
    assert "another key" in verify(tmp_path, receipt, "ab" * 32)
    # The published roots: one taken out, two exchanged, one made anew.
    first, second = roots["roots"]
    for wrong in ([second], [second, first], [first]):
        said = verify(tmp_path, read_receipt(sealed, "A11"), key, {"roots": wrong})
        assert said.startswith("NOT GOOD"), wrong


def test_a_day_is_sealed_once_and_only_when_it_is_over(sealed, runtime):
    assert seal(sealed, runtime, days=2) == 0
    with pytest.raises(NotFoundError):
        read_receipt(sealed, "today")
    assert seal(sealed, runtime, days=3) == 1
    with sealed() as session:
        numbers = session.scalars(sa.select(SignedRoot.number).order_by(SignedRoot.number)).all()
        assert numbers == [1, 2, 3]
        assert check_roots(session, SETTINGS) == []


def find_faults(sessions, settings=SETTINGS):
    with sessions() as session:
        return {(one.number, one.fault) for one in check_roots(session, settings)}


def test_what_was_changed_in_the_database_is_found(sealed):
    assert find_faults(sealed) == set()
    assert find_faults(sealed, OTHER) == {(1, "signature"), (2, "signature")}
    with transaction(sealed) as session:
        session.execute(
            sa.update(Appeal)
            .where(Appeal.appeal_no == "A00")
            .values(received_at=NOW - timedelta(days=9))
        )
    assert find_faults(sealed) == {(1, "appeal A00")}
    with transaction(sealed) as session:
        session.execute(sa.delete(Receipt).where(Receipt.number == 2, Receipt.leaf_index > 0))
    assert (2, "entries") in find_faults(sealed)
    with transaction(sealed) as session:
        root = session.get_one(SignedRoot, 1)
        root.statement = root.statement | {"day": "2020-01-01"}
    assert {(1, "signature"), (1, "previous")} <= find_faults(sealed)


def test_a_caller_asks_with_number_and_secret_alone(sealed):
    with transaction(sealed) as session:
        first = make_secret(session, "A00-1", actor=DISPATCHER, at=NOW)
        second = make_secret(session, "A00-1", actor=DISPATCHER, at=NOW)
    with sealed() as session:
        found = find_status(session, " A00 ", second.lower().replace("-", " "))
        assert found.has_receipt
        assert [step.name for step in found.orders[0].steps] == ["received", "dispatched"]
        for number, secret in (("A00", first), ("A01", second), ("A00", ""), ("x", second)):
            with pytest.raises(NotFoundError):
                find_status(session, number, secret)
        kept = session.scalars(sa.select(LogEntry).where(LogEntry.action == "make_caller_secret"))
        assert second.replace("-", "") not in str([one.after for one in kept])


def test_a_key_that_is_none_is_named_and_one_that_is_made_is_kept(loaded, runtime):
    with loaded() as session:
        assert list_roots(session, ServiceSettings()) == {"public_key": "", "roots": []}
        assert check_roots(session, ServiceSettings()) == []
    for days in (1, 2):
        now = NOW + timedelta(days=days)
        seal_day(loaded, ServiceSettings(), city="x", zone=runtime.zone, now=now)
    with loaded() as session:
        assert len(list_roots(session, ServiceSettings())["roots"]) == 2
        assert check_roots(session, ServiceSettings()) == []
        with pytest.raises(SettingError, match="64 hexadecimal digits"):
            list_roots(session, ServiceSettings(receipt_key="xyz"))


def test_without_the_key_that_signed_no_other_is_made(sealed, runtime):
    now = NOW + timedelta(days=9)
    with pytest.raises(SettingError, match="the key that signed"):
        seal_day(sealed, ServiceSettings(), city="x", zone=runtime.zone, now=now)
    with sealed() as session, pytest.raises(SettingError):
        check_roots(session, ServiceSettings())
