"""Headers, sizes, languages, and errors as pages."""

import gzip
import re

import sqlalchemy as sa

from gridgov.errors import ConflictError
from gridgov.rules.orders.transitions import Role
from gridgov.services.settings import ServiceSettings
from gridgov.storage.db import transaction
from gridgov.storage.models.city import CityPack
from tests.web.pages import post, sign_in
from web.app import find_template_folders
from web.kit.assets import WEB_DIR, find_static
from web.kit.errors import MEANINGS, find_meaning
from web.kit.security import make_policy
from web.kit.service import EXTENSION


def test_policy_allows_this_host_alone(client):
    answer = client.get("/sign-in")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    nonce = re.search(r"'nonce-([^']+)'", policy).group(1)
    scripts = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", answer.text)
    assert all(f'nonce="{nonce}"' in script for script in scripts)
    assert nonce not in client.get("/sign-in").headers["Content-Security-Policy"]
    assert not re.findall(r"<[^>]+ (?:style|on[a-z]+)=", answer.text)
    for name in ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"):
        assert name in answer.headers


def test_policy_names_the_base_map_where_one_is_set():
    settings = ServiceSettings(base_map_url="https://t{s}.example.org/{z}/{x}/{y}.png")
    assert "img-src 'self' data: blob: https://t*.example.org;" in make_policy(settings, "n")


def test_pages_of_an_account_are_kept_nowhere(client):
    sign_in(client, Role.ANALYST)
    assert client.get("/account").headers["Cache-Control"] == "no-store"


def test_static_files_are_compressed_and_kept_for_good(client):
    path = re.search(r'href="(/static/vendor/tabler/[^"]+)"', client.get("/sign-in").text).group(1)
    plain = client.get(path, buffered=True)
    packed = client.get(path, headers={"Accept-Encoding": "gzip"}, buffered=True)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "immutable" in packed.headers["Cache-Control"]
    assert client.get("/static/../app.py").status_code == 404
    assert client.get("/static/vendor/tabler/tabler.min.css.gz").status_code == 404


def test_a_features_style_and_scripts_are_served_and_nothing_else_of_its_folder(client):
    for path, kind in (("orders/new.js", "text/javascript"), ("today/style.css", "text/css")):
        answer = client.get(f"/static/features/{path}", buffered=True)
        assert answer.mimetype == kind
        assert answer.data
    for path in (
        "orders/new.py",
        "orders/templates/orders/new.html",
        "orders/none.js",
        "../kit/auth.py",
        "orders/../orders/new.js/../new.py",
    ):
        assert client.get(f"/static/features/{path}").status_code == 404, path


def test_every_file_that_a_template_names_is_there():
    templates = [file for folder in find_template_folders() for file in folder.rglob("*.html")]
    named = {
        path
        for file in templates
        for path in re.findall(r"asset\('([^']+)'\)", file.read_text("utf-8"))
    }
    assert len(named) > 15
    for path in named:
        assert find_static(path), path
    # And the other way round: no style or script that no page loads.
    ours = {
        f"features/{file.parent.name}/{file.name}"
        for file in (WEB_DIR / "features").glob("*/*")
        if file.suffix in {".css", ".js"}
    }
    assert ours <= named


def test_pages_are_compressed_with_a_length_that_tells_nothing(client):
    sign_in(client, Role.ANALYST)
    answers = [client.get("/account", headers={"Accept-Encoding": "gzip"}) for _ in range(6)]
    assert "<html" in gzip.decompress(answers[0].data).decode()
    assert len({len(answer.data) for answer in answers}) > 1


def test_language_of_address_account_and_browser(client):
    assert 'lang="zh-CN"' in client.get("/sign-in").text
    assert 'lang="en"' in client.get("/sign-in", headers={"Accept-Language": "en-GB"}).text
    assert 'lang="zh-CN"' in client.get("/sign-in?lang=xx").text
    sign_in(client, Role.ANALYST)
    assert (
        post(client, "/language", language="en", next="/account").headers["Location"] == "/account"
    )
    assert 'lang="en"' in client.get("/account").text
    assert 'lang="zh-CN"' in client.get("/account?lang=zh_CN").text


def test_wrong_pages_are_answered_in_words_that_help(client):
    sign_in(client, Role.ANALYST)
    for path, status in (
        ("/nothing", 404),
        ("/account?window=never", 400),
        ("/account?unit=x", 404),
    ):
        answer = client.get(path)
        assert answer.status_code == status
        assert "什么是安全的" in answer.text
        assert "没有改变任何数据。" in answer.text
        assert "error." not in answer.text
    part = client.get("/nothing", headers={"HX-Request": "true"})
    assert part.headers["HX-Retarget"] == "#notices"
    assert "<html" not in part.text
    program = client.get("/nothing", headers={"Accept": "application/json"})
    assert program.json["error"] == "not_found"


def test_faults_of_the_program_show_a_number_and_no_message(client, pages):
    sign_in(client, Role.ANALYST)

    def fail():
        raise RuntimeError("secret detail")

    fail.permission = pages.view_functions["account.index"].permission
    pages.view_functions["account.index"] = fail
    answer = client.get("/account")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert re.search(r"<code>[0-9a-f]{8}</code>", answer.text)


def test_special_errors_stand_above_general_ones():
    kinds = [kind for kind, _ in MEANINGS]
    for at, kind in enumerate(kinds):
        assert not any(issubclass(kind, earlier) for earlier in kinds[:at]), kind
    assert find_meaning(ConflictError("order", "1", seen=1, found=2)).status == 409
    assert find_meaning(ValueError("x")).status == 500


def test_without_a_city_the_page_says_what_to_do(client, pages):
    with transaction(pages.extensions[EXTENSION].sessions) as session:
        session.execute(sa.delete(CityPack))
    assert client.get("/healthz").status_code == 503
    sign_in(client, Role.ANALYST)
    answer = client.get("/account")
    assert answer.status_code == 503
    assert "gridgov load CITY" in answer.text


def test_large_forms_are_refused(client):
    sign_in(client, Role.ANALYST)
    answer = client.post("/language", data={"language": "x" * 2_000_000})
    assert answer.status_code == 413
