"""Takes the pictures of the served pages for docs/ from a running demo: script/screenshots http://127.0.0.1:8000."""

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from web.demo.accounts import DEMO_PASSWORD

DOCS = Path(__file__).resolve().parent.parent / "docs"
SIZES = {"desk": (1440, 900), "wall": (1920, 1080), "phone": (390, 844)}
FIRST_ORDER = "the first order of the list"
FIRST_CALL = "the first running whistle call"
PICTURES = (
    ("room-today", "supervisor", "desk", "/today"),
    ("room-wall", "supervisor", "wall", "/today?mode=wall"),
    ("room-orders", "dispatcher", "desk", "/orders?clock=unanswered"),
    ("room-order", "dispatcher", "desk", FIRST_ORDER),
    ("room-call", "supervisor", "desk", FIRST_CALL),
    ("room-new", "operator", "desk", "/orders/new"),
    ("room-map", "analyst", "desk", "/maps"),
    ("room-planning", "planner", "desk", "/planning"),
    ("room-rates", "analyst", "desk", "/rates?group=departments"),
    ("room-orders-phone", "street_centre", "phone", "/orders?clock=open"),
)
"""Name, role, size and address of each picture."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SETTLE_MS = 3_000


def take(browser: Browser, base: str, name: str, role: str, size: str, path: str) -> None:
    """Take one picture with the demo's account of a role."""
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{base}/sign-in")
    page.fill("#login", f"demo.{role}")
    page.fill("#password", DEMO_PASSWORD)
    page.click("form[action^='/sign-in'] button[type=submit]")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    if path == FIRST_ORDER:
        page.goto(f"{base}/orders?clock=unanswered")
        page.click("#orders tbody tr td a")
    elif path == FIRST_CALL:
        page.goto(f"{base}/whistles")
        page.click("main tbody tr a")
    else:
        page.goto(base + path)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=DOCS / f"{name}.png")
    context.close()


def main(base: str) -> None:
    """Take all pictures."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for picture in PICTURES:
            take(browser, base, *picture)
            print(picture[0])
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
