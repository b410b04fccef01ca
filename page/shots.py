"""The reference screenshots of the studio's page: every state in dark, light and narrow, one sheet a state.

    python page/shots.py            # into docs/images/studio-STATE.jpg; minutes, with the extra test-studio and chromium
    python page/shots.py mask run   # some of them

They are looked at when the page changes; nothing compares them by itself.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image  # noqa: TID253 - a script, not the package
from playwright.sync_api import Page, sync_playwright
from skimage import data  # noqa: TID253

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browsed import CHROMIUM, QUIET  # noqa: E402
from served import Served  # noqa: E402

LOOKS = {"dark": (1280, 800), "light": (1280, 800), "narrow": (390, 844)}
GAP, SCALE = 16, 0.8
PAPER = (120, 112, 104)


class Screens:
    """One page for each look, all of the same studio."""

    def __init__(self, browser, studio: Served) -> None:
        self.studio = studio
        self.pages: dict[str, Page] = {}
        for look, (width, height) in LOOKS.items():
            scheme = "light" if look == "light" else "dark"
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
            )
            page = self.pages[look] = context.new_page()
            page.set_default_timeout(500_000)
            page.goto(f"{studio.base}/#t={studio.token}")
            page.get_by_role("button", name="Choose a file").wait_for()

    @property
    def first(self) -> Page:
        return self.pages["dark"]

    def follow(self) -> None:
        """Bring the others to where the first one is."""
        place = self.first.evaluate("location.hash")
        for page in list(self.pages.values())[1:]:
            page.evaluate("place => { history.replaceState(null, '', '/' + place); location.reload() }", place)
            page.wait_for_load_state()

    def each(self, do) -> None:
        for page in self.pages.values():
            do(page)

    def take(self, state: str) -> None:
        """Dark above light, narrow beside both."""
        self.each(lambda page: page.wait_for_timeout(700))
        shots = {
            look: Image.open(io.BytesIO(page.screenshot(full_page=look == "narrow"))).convert("RGB")
            for look, page in self.pages.items()
        }
        dark, light, narrow = (shots[look] for look in LOOKS)
        sheet = Image.new("RGB", (dark.width + GAP + narrow.width, 2 * dark.height + GAP), PAPER)
        sheet.paste(dark, (0, 0))
        sheet.paste(light, (0, dark.height + GAP))
        sheet.paste(narrow, (dark.width + GAP, 0))
        small = sheet.resize((round(SCALE * sheet.width), round(SCALE * sheet.height)), Image.Resampling.LANCZOS)
        small.save(ROOT / "docs" / "images" / f"studio-{state}.jpg", quality=86)
        print(state, small.size, flush=True)


def example(page: Page, words: str) -> None:
    page.get_by_role("button", name="untaught: begin with another picture").click()
    page.get_by_role("button", name=words, exact=True).click()
    page.get_by_role("radio", name="suggested").wait_for()


def settings(page: Page, **values: str) -> None:
    if not page.locator("details[open]", has_text="Finer settings").count():
        page.locator("summary", has_text="Finer settings").click()
    for label, value in values.items():
        field = page.get_by_label(label.replace("_", " "), exact=False).first
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
            field.press("Tab")
        field.evaluate("e => e.scrollIntoView({ block: 'center' })")


def paint(page: Page) -> None:
    page.get_by_role("application").wait_for()
    page.get_by_text("% painted").wait_for()
    page.wait_for_timeout(500)


def timed(page: Page) -> None:
    """How long it takes is known."""
    page.get_by_text(" on this computer.").wait_for()


def pictured(page: Page) -> None:
    """The examples are seen: the engine makes them, and is starting."""
    while not page.evaluate("document.images.length > 2 && [...document.images].every((one) => one.naturalWidth)"):
        page.wait_for_timeout(500)


def empty(screens: Screens) -> None:
    screens.each(pictured)
    screens.take("empty")


def mask(screens: Screens) -> None:
    example(screens.first, "scratches")
    screens.follow()
    screens.each(paint)
    screens.each(timed)
    screens.take("mask")


def run(screens: Screens) -> None:
    first = screens.first
    example(first, "grain")
    screens.follow()
    screens.each(lambda page: page.get_by_text("grain: about").wait_for())
    screens.each(lambda page: settings(page, Kind_of_grain="gaussian"))
    screens.each(timed)
    screens.take("settings")

    settings(first, Kind_of_grain="auto", Steps="50")
    first.get_by_role("button", name="Restore").click()
    first.get_by_label("Moments").wait_for()
    screens.follow()
    screens.each(lambda page: page.get_by_label("Moments").wait_for())
    screens.take("running")
    screens.each(lambda page: page.get_by_role("heading", name="Done in").wait_for())
    screens.each(lambda page: page.locator(".verdict").wait_for())
    screens.take("done")


def unsure(screens: Screens) -> None:
    """Of a small part of the same picture, since asking again takes its time."""
    first = screens.first
    cat = data.chelsea()[70:166, 100:196]
    noisy = np.clip(cat + np.random.default_rng(7).normal(0, 25, cat.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy).save(buffer, "PNG")
    first.get_by_role("button", name="untaught: begin with another picture").click()
    first.get_by_label("A picture to restore").set_input_files(
        {"name": "eye.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    )
    first.get_by_text("grain: about").wait_for()
    settings(first, Steps="40")
    first.get_by_role("button", name="Restore").click()
    first.get_by_role("button", name="Show where it is unsure").click()
    screens.follow()
    for page in list(screens.pages.values())[::-1]:
        page.get_by_label("Show where it is unsure").check()
    screens.take("unsure")


def refused(screens: Screens) -> None:
    for page in screens.pages.values():
        page.get_by_role("button", name="untaught: begin with another picture").click()
        page.get_by_label("A picture to restore").set_input_files(
            {"name": "holiday.tif", "mimeType": "image/tiff", "buffer": b"These are only words, and no picture."}
        )
        page.get_by_role("alert").wait_for()
        page.mouse.move(5, 300)
    screens.take("refused")


PARTS = (empty, mask, run, unsure, refused)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        studio = Served(Path(folder))
        browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            screens = Screens(browser, studio)
            for part in PARTS:
                if part.__name__ in (sys.argv[1:] or [p.__name__ for p in PARTS]):
                    part(screens)
        finally:
            browser.close()
            studio.close()


if __name__ == "__main__":
    main()
