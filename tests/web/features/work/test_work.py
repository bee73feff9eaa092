"""Files behind pages: sent, shown, refused with a reason, served so that nothing in them runs, to who may see them."""

import io
import re

import pytest

from gridgov.storage.db import make_sessions, transaction
from tests.gridgov.rules.uploads.samples import PDF, SECRET, make_jpeg
from tests.web.orders_city import make_city_desk, make_city_pages, seed_city, take_many
from tests.web.pages import read_token, sign_in

BAD = {
    "empty.jpg": (b"", "文件是空的"),
    "archive.jpg": (b"PK\x03\x04" + bytes(50), "不接收压缩包"),
    "script.svg": (b"<svg><script>alert(1)</script></svg>", "可能带有脚本"),
    "phone.heic": (b"\x00\x00\x00\x18ftypheic" + bytes(50), "兼容性最佳"),
}


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("work"))


@pytest.fixture
def site(engine, runtime, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the folder of files is below it
    seed_city(engine, runtime)
    with transaction(make_sessions(engine)) as session:
        (order_no,) = take_many(session, runtime, 1)
    app = make_city_pages(engine, runtime)
    app.config["ORDER"] = order_no
    return app


def enter(site, who):
    client = site.test_client()
    assert sign_in(client, who).status_code == 302
    client.token = read_token(client.get("/account").text)
    return client


def send(client, order_no, name, data, **form):
    sent = {"csrf_token": client.token, "file": (io.BytesIO(data), name)} | form
    return client.post(
        f"/work/files/order/{order_no}", data=sent, content_type="multipart/form-data"
    )


def test_a_photo_is_sent_seen_and_served_so_that_nothing_runs(site):
    order_no = site.config["ORDER"]
    client = enter(site, "street_centre")
    assert f"/work/on/order/{order_no}" in client.get(f"/orders/{order_no}").text
    part = client.get(f"/work/on/order/{order_no}").text
    number = re.search(r'name="file_no" value="([^"]+)"', part)[1]
    for _ in range(2):  # a second time as after a cut
        sent = send(client, order_no, "<b>井盖.png", make_jpeg(), file_no=number)
        assert sent.status_code == 200
    assert sent.text.count("<img") == 1
    assert "<b>" not in re.sub(r"<br>", "", sent.text)
    photo = client.get(f"/work/file/{number}")
    assert photo.mimetype == "image/jpeg"
    assert SECRET not in photo.data
    assert photo.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert photo.headers["Cache-Control"] == "no-store"
    paper = send(client, order_no, "a.pdf", PDF)
    (other,) = set(re.findall(r"/work/file/([0-9a-f-]+)\"", paper.text)) - {number}
    assert client.get(f"/work/file/{other}").headers["Content-Disposition"].startswith("attachment")
    # Not for another street, nor for a role that may not know who it was.
    assert enter(site, "other_street").get(f"/work/file/{number}").status_code == 404
    assert enter(site, "analyst").get(f"/work/file/{number}").status_code == 403


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_says_why_and_what_to_do(site, name):
    data, words = BAD[name]
    order_no, client = site.config["ORDER"], enter(site, "street_centre")
    refused = send(client, order_no, name, data)
    assert refused.status_code == 422
    assert words in refused.text
    assert "<img" not in refused.text


def test_work_is_given_to_somebody_of_the_unit(site):
    order_no, client = site.config["ORDER"], enter(site, "street_centre")
    part = client.get(f"/work/on/order/{order_no}").text
    (staff,) = re.findall(r'<option value="(\d+)">field_staff 甲', part)
    path = f"/work/hand/order/{order_no}"
    given = client.post(path, data={"csrf_token": client.token, "account_id": staff})
    assert "经办人：field_staff 甲" in given.text
    wrong = client.post(path, data={"csrf_token": client.token, "account_id": "999999"})
    assert wrong.status_code == 422
    field = enter(site, "field_staff")
    assert field.get("/inbox/bell").json["count"] >= 1
    assert "交给您办理" in field.get("/inbox?kind=mention").text
    assert client.get("/work/on/love/1").status_code == 404
