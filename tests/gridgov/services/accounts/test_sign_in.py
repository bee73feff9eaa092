"""Signing in: what is counted is counted once each, and what is used once is used once, however many try together."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.manage import (
    AccountError,
    NewAccount,
    add_account,
    disable_account,
    enable_account,
    find_account,
    get_actor,
    hash_password,
    reset_code,
    set_code_secret,
    set_password,
    verify_password,
)
from gridgov.services.accounts.sign_in import (
    CODE_STEP_S,
    SignInOutcome,
    find_visitor,
    start_session,
    try_code,
    try_password,
)
from gridgov.services.settings import ServiceSettings
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import transaction
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.city import Unit
from gridgov.storage.models.journal import LogEntry

PASSWORD = "kettle orbit lantern"
NOW = datetime(2024, 5, 6, 8, 0, 0, 123456, tzinfo=UTC)
SETTINGS = ServiceSettings(login_tries=5, login_lock_min=15)
TOGETHER = 12


@pytest.fixture
def account_id(sessions):
    with transaction(sessions) as session:
        session.add(Unit(unit_code="desk", name="热线", kind="desk", path="/desk/"))
        session.flush()
        for login in ("wang", "boss"):
            new = NewAccount(login=login, name=login, role=Role.DISPATCHER, unit_code="desk")
            add_account(session, new, password=PASSWORD, now=NOW)
        return find_account(session, "wang").id


def do_together(sessions, step):
    def one(_number):
        with transaction(sessions) as session:
            return step(session).outcome

    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(one, range(TOGETHER)))


def list_actions(sessions, login="wang"):
    with sessions() as session:
        query = sa.select(LogEntry.action).where(LogEntry.subject_no == login)
        assert verify(session) == []
        return list(session.scalars(query.order_by(LogEntry.id)))


def try_wrong(session):
    return try_password(session, "wang", "wrong", settings=SETTINGS, now=NOW, address="10.0.0.7")


def test_wrong_passwords_that_come_together_are_each_counted(sessions, account_id):
    outcomes = do_together(sessions, try_wrong)
    assert set(outcomes) == {SignInOutcome.WRONG}
    with sessions() as session:
        account = session.get_one(Account, account_id)
        assert account.locked_until == NOW + timedelta(minutes=15)
        # Five lock it; what comes after is not even counted.
        assert account.wrong_tries == 0
    actions = list_actions(sessions)
    assert actions == ["add_account", *["sign_in_wrong"] * 4, "lock_account"]


@pytest.mark.usefixtures("account_id")
def test_a_lock_ends_and_says_so_only_to_who_knows_the_password(sessions):
    do_together(sessions, try_wrong)
    with transaction(sessions) as session:
        for moment, password, outcome in (
            (NOW + timedelta(minutes=15) - timedelta(seconds=1), PASSWORD, SignInOutcome.LOCKED),
            (NOW + timedelta(minutes=14), "wrong", SignInOutcome.WRONG),
            (NOW + timedelta(minutes=15), PASSWORD, SignInOutcome.DONE),
        ):
            tried = try_password(session, "wang", password, settings=SETTINGS, now=moment)
            assert tried.outcome is outcome, moment


def test_a_code_is_taken_once_however_many_bring_it(sessions, account_id):
    secret = pyotp.random_base32()
    with transaction(sessions) as session:
        set_code_secret(session, session.get_one(Account, account_id), secret, step=None, now=NOW)
    code = pyotp.TOTP(secret).generate_otp(int(NOW.timestamp()) // CODE_STEP_S)
    generous = ServiceSettings(login_tries=100)

    def bring(session):
        return try_code(session, account_id, code, settings=generous, now=NOW)

    outcomes = do_together(sessions, bring)
    assert outcomes.count(SignInOutcome.DONE) == 1
    assert outcomes.count(SignInOutcome.WRONG) == TOGETHER - 1
    with sessions() as session:
        assert session.get_one(Account, account_id).totp_step == int(NOW.timestamp()) // CODE_STEP_S


def test_wrong_codes_lock_like_wrong_passwords(sessions, account_id):
    with transaction(sessions) as session:
        secret = pyotp.random_base32()
        set_code_secret(session, session.get_one(Account, account_id), secret, step=None, now=NOW)

    def bring(session):
        return try_code(session, account_id, "000000 0", settings=SETTINGS, now=NOW)

    outcomes = do_together(sessions, bring)
    assert outcomes.count(SignInOutcome.WRONG) == 5
    assert outcomes.count(SignInOutcome.LOCKED) == TOGETHER - 5


@pytest.mark.parametrize(
    "password",
    [
        "password12",
        "Password2024!",
        "1qaz2wsx3edc",
        "qwertyuiop",
        "P@ssw0rd2025",
        "19900307123",
        "admin123456",
        "iloveyou1234",
        "woaini1314520",
        "5201314woaini",
        "zhangwei520",
        "hotline12345",
        "wang0123456",
        "a1b2c3d4e5",
        "aaaaaaaaaaaa",
        "short",
        "x" * 201,
    ],
)
def test_what_is_guessed_first_is_no_password(password):
    with pytest.raises(AccountError, match="password"):
        hash_password(password, login="li")


@pytest.mark.parametrize(
    "password", [PASSWORD, "x7Kd92mQplw", "雨伞 茶杯 自行车 月台 三轮", "yZk-48ws.lo" * 8]
)
def test_what_is_hard_to_guess_is_one(password):
    assert verify_password(hash_password(password, login="li"), password)


def test_a_password_that_somebody_gave_must_be_changed(sessions, account_id):
    with transaction(sessions) as session:
        account = session.get_one(Account, account_id)
        assert account.password_given
        with pytest.raises(AccountError, match="given"):
            set_password(session, account, PASSWORD, now=NOW, actor=get_actor(account))
        set_password(session, account, "another tin whistle", now=NOW, actor=get_actor(account))
        assert not account.password_given
        boss = find_account(session, "boss")
        set_password(session, account, "made by somebody else", now=NOW, actor=get_actor(boss))
        assert account.password_given


def test_a_lost_second_factor_is_reset_by_another_and_leaves_a_trace(sessions, account_id):
    with transaction(sessions) as session:
        account, boss = session.get_one(Account, account_id), find_account(session, "boss")
        with pytest.raises(AccountError, match="no second factor"):
            reset_code(session, account, now=NOW, actor=get_actor(boss))
        set_code_secret(session, account, pyotp.random_base32(), step=3, now=NOW)
        token = start_session(session, account, settings=SETTINGS, now=NOW, address="10.0.0.7")
        with pytest.raises(AccountError, match="another administrator"):
            reset_code(session, account, now=NOW, actor=get_actor(account))
        with pytest.raises(AccountError, match="another administrator"):
            disable_account(session, account, now=NOW, actor=get_actor(account))
        reset_code(session, account, now=NOW, actor=get_actor(boss))
        assert (account.totp_secret, account.totp_step) == (None, None)
        assert find_visitor(session, token, settings=SETTINGS, now=NOW) is None
        key = boss.person_key
    assert list_actions(sessions) == ["add_account", "code_on", "sign_in", "reset_code"]
    with sessions() as session:
        entry = session.scalars(sa.select(LogEntry).where(LogEntry.action == "reset_code")).one()
        assert (entry.person_key, entry.role) == (key, "dispatcher")
        entry = session.scalars(sa.select(LogEntry).where(LogEntry.action == "sign_in")).one()
        assert entry.origin == "10.0.0.7"


def test_closing_and_opening_name_who_did_it(sessions, account_id):
    with transaction(sessions) as session:
        account, boss = session.get_one(Account, account_id), find_account(session, "boss")
        disable_account(session, account, now=NOW, actor=get_actor(boss))
        assert try_password(session, "wang", PASSWORD, settings=SETTINGS, now=NOW).account is None
        enable_account(session, account, now=NOW, actor=get_actor(boss))
        key = boss.person_key
    with sessions() as session:
        keys = session.scalars(
            sa.select(LogEntry.person_key).where(LogEntry.action.endswith("able_account"))
        )
        assert list(keys) == [key, key]


@pytest.mark.usefixtures("account_id")
def test_two_who_know_the_password_are_both_in(sessions):
    def bring(session):
        return try_password(session, "wang", PASSWORD, settings=SETTINGS, now=NOW)

    assert set(do_together(sessions, bring)) == {SignInOutcome.DONE}
