"""The studio's page in a real browser: what its tests open, and what they do again and again."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("UNTAUGHT_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None
)
QUIET = [  # off the network, and without a sandbox, which containers do not allow
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
]
SLOW = 600_000  # milliseconds until a wait has failed: for a page that hangs, and not for a busy machine


@pytest.fixture(scope="session")
def page_studio(tmp_path_factory):
    """The studio of all tests of the page: apart from that of the server's, since they end its engine."""
    from served import Served

    served = Served(tmp_path_factory.mktemp("page"))
    yield served
    served.close()


@pytest.fixture(scope="module")
def play():
    """Playwright, of which a thread has one; its loop is over before tests of other files run one of their own."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the extra test-studio is not installed")
    sync_api.expect.set_options(timeout=SLOW)
    with sync_api.sync_playwright() as play:
        yield play


@pytest.fixture(scope="module")
def browser(play):
    if CHROMIUM is None:
        pytest.skip("Debian's chromium is not installed: apt-get install chromium")
    browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
    yield browser
    browser.close()


@pytest.fixture
def page(browser, page_studio):
    """An open studio. Any error, any broken policy and any request to another host fails the test."""
    context = browser.new_context(
        viewport={"width": 1200, "height": 760}, accept_downloads=True, reduced_motion="reduce"
    )
    yield from watched(context, page_studio)


def watched(context, studio):
    """The studio's page in that context; afterwards an `AssertionError` for what went wrong in it."""
    page = context.new_page()
    page.set_default_timeout(SLOW)
    wrong = []
    context.on("request", lambda r: wrong.append(r.url) if not r.url.startswith((studio.base, "blob:")) else None)
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" and "status of 4" not in m.text else None)
    page.goto(f"{studio.base}/#t={studio.token}")
    page.get_by_role("button", name="Choose a file").wait_for()
    yield page
    context.close()
    assert not wrong


def hand_in(page, data, name="photo.png"):
    page.get_by_label("A picture to restore").set_input_files({"name": name, "mimeType": "image/png", "buffer": data})
    page.get_by_role("heading", name=name).wait_for(timeout=SLOW)


CARDS = {
    "denoise": "Grain",
    "inpaint": "Holes",
    "upscale": "Too small",
    "deblur": "Blurred",
    "flash": "flash photo",
    "enhance": "Little detail",
}


def card(page, task):
    """What one presses for a task."""
    return page.get_by_role("radio", name=re.compile(CARDS[task]))


def choose(page, task, **settings):
    card(page, task).click()
    page.locator("summary", has_text="Finer settings").click()
    for label, value in settings.items():
        if label == "preset":
            page.get_by_role("button", name=re.compile(f"^{value}")).click()
        else:
            field = page.get_by_label(label.replace("_", " "), exact=False).first
            field.fill(str(value))
            field.press("Tab")


def downloaded(page, name="^Download"):
    with page.expect_download() as caught:
        page.get_by_role("link", name=re.compile(name)).click()
    return Path(caught.value.path()).read_bytes(), caught.value.suggested_filename


def zoom_step(page):
    """Milliseconds of a step of the zoom and two frames of the screen, the median of nine."""
    return page.evaluate(
        """async () => {
            const frame = () => new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))
            const all = []
            for (const key of '+-+-+-+-+') {
                const begun = performance.now()
                document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
                await frame()
                all.push(performance.now() - begun)
            }
            return all.sort((a, b) => a - b)[4]
        }"""
    )
