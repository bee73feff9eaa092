"""Reports of periods and of surges on their pages and as files: for whom they are, and that all say the same."""

import io
import json
import re

import docx
import pypdfium2
import pytest
import sqlalchemy as sa

from gridgov.rules.indicators import load_indicators
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.plans import Report
from tests.gridgov.services.city import STREET
from tests.web.features.test_rooms import rooms, runtime
from tests.web.room_rows import SURGE

__all__ = ["rooms", "runtime"]

MONTHLY = "/planning/reports/monthly/2024-03"
REVIEW = "/planning/reports/review/2024-03"
SPECIAL = f"/planning/reports/special/{SURGE}"


def find_orders(content):
    return next(one for one in content["figures"] if one["key"] == "orders")["value"]


def read_docx(data):
    opened = docx.Document(io.BytesIO(data))
    cells = [cell.text for table in opened.tables for row in table.rows for cell in row.cells]
    return "\n".join([one.text for one in opened.paragraphs] + cells)


def read_pdf(data):
    with pypdfium2.PdfDocument(data) as pdf:
        texts = []
        for page in pdf:
            text = page.get_textpage()
            texts.append(text.get_text_range())
            text.close()
            page.close()
        return "".join("".join(texts).split())


@pytest.mark.parametrize("path", [MONTHLY, f"{REVIEW}?of={STREET}"])
def test_page_json_docx_and_pdf_say_the_same_number(rooms, path):
    client = rooms.enter("supervisor")
    stem, _, query = path.partition("?")
    content = json.loads(client.get(f"{stem}.json?{query}").text)
    n = find_orders(content)
    assert n > 0
    said = f"本期受理诉求 {n} 件"
    document = client.get(f"{stem}/document?{query}").text
    assert said in document
    assert said in read_docx(client.get(f"{stem}.docx?{query}").data)
    assert said.replace(" ", "") in read_pdf(client.get(f"{stem}.pdf?{query}").data)
    page = client.get(path).text
    shown = re.search(r"诉求量</span>\s*<b class=\"figure-value\">(\d+)", page)
    assert int(shown[1]) == n


@pytest.mark.parametrize("path", [MONTHLY, f"{SPECIAL}?of={STREET}"])
def test_a_report_that_an_earlier_version_kept_says_so_and_can_be_downloaded(rooms, path):
    stem, _, query = path.partition("?")
    kind, period = stem.split("/")[-2:]
    old = {"scope": "city", "schema": "report/1", "orders": 5}
    with transaction(make_sessions(rooms.engine)) as session:
        session.execute(
            sa.update(Report)
            .where(Report.kind == kind, Report.period == period)
            .values(content=old)
        )
    client = rooms.enter("supervisor")
    for end in ("", "/document", ".docx", ".pdf"):
        answer = client.get(f"{stem}{end}?{query}")
        assert answer.status_code == 422, end
        assert "report/1" in answer.text, end
    assert json.loads(client.get(f"{stem}.json?{query}").text) == old


def test_files_are_the_same_each_time(rooms):
    client = rooms.enter("supervisor")
    for form in ("docx", "pdf", "json"):
        assert client.get(f"{MONTHLY}.{form}").data == client.get(f"{MONTHLY}.{form}").data


def test_the_door_of_a_figure_opens_as_many_orders(rooms):
    client = rooms.enter("supervisor")
    page = client.get(f"{REVIEW}?of={STREET}").text
    link, n = re.search(
        r'<a class="figure" href="([^"]+)"[^>]*>\s*<span class="figure-label">诉求量</span>\s*'
        r'<b class="figure-value">(\d+)',
        page,
    ).groups()
    listed = client.get(link.replace("&amp;", "&")).text
    assert len(set(re.findall(r"/orders/((?:A\d+|pipe|far)-1)", listed))) == int(n)


def test_a_surge_shows_its_words_its_place_and_its_orders(rooms):
    page = rooms.enter("supervisor").get(f"{SPECIAL}?of={STREET}").text
    for text in ("停水", "新出现", "东厂社区", "近日实际与预期", "自来水&lt;b&gt;停了"):
        assert text in page
    assert "<b>停了" not in page
    for order_no in rooms.order_nos[:3]:
        assert f"/orders/{order_no}" in page


def test_a_surge_of_today_leads_to_its_report(rooms):
    answer = rooms.enter("supervisor").get(f"/planning/surges/{SURGE}")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(SPECIAL)


def test_reports_of_an_area_are_for_its_unit(rooms):
    other = rooms.enter("handler")  # of a department
    assert other.get(MONTHLY).status_code == 200
    for path in (REVIEW, SPECIAL, f"{REVIEW}/document", f"{REVIEW}.docx", f"{SPECIAL}.pdf"):
        assert other.get(f"{path}?of={STREET}").status_code == 404, path
    assert other.get(f"/planning/surges/{SURGE}").status_code == 404
    assert SURGE not in other.get("/planning/reports").text


def test_every_definition_is_on_the_page_in_both_languages(rooms):
    client = rooms.enter("analyst")
    for language, tag in (("zh_CN", "zh-CN"), ("en", "en")):
        page = client.get(f"/planning/indicators?lang={language}").text
        for one in load_indicators().values():
            assert str(one.name.say(tag)).replace("&", "&amp;") in page
