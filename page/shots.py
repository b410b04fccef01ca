"""The reference screenshots of the studio's page: every state in dark, light and narrow, one sheet a state.

    python page/shots.py            # into docs/images/studio-STATE.jpg; a minute or two, with the extra test-studio and chromium

They are looked at when the page changes; nothing compares them by itself.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image  # noqa: TID253 - a script, not the package
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from test_studio_page import CHROMIUM, QUIET  # noqa: E402
from test_studio_server import Served  # noqa: E402

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
            page.set_default_timeout(120_000)
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
        high = max(2 * dark.height + GAP, narrow.height)
        sheet = Image.new("RGB", (dark.width + GAP + narrow.width, high), PAPER)
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
    page.locator("summary", has_text="Finer settings").click()
    for label, value in values.items():
        field = page.get_by_label(label.replace("_", " "), exact=False).first
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
            field.press("Tab")


def paint(page: Page) -> None:
    page.get_by_role("application").wait_for()
    page.get_by_text("% painted").wait_for()
    page.wait_for_timeout(500)


def shoot(screens: Screens) -> None:
    first = screens.first
    screens.take("empty")
    example(first, "scratches")
    screens.follow()
    screens.each(paint)
    screens.take("mask")

    example(first, "grain")
    screens.follow()
    screens.each(lambda page: page.get_by_text("Grain, about").wait_for())
    screens.each(lambda page: settings(page, Kind_of_grain="poisson-gaussian"))
    screens.take("settings")

    settings(first, Kind_of_grain="auto")
    first.locator("summary", has_text="Finer settings").click()
    first.get_by_label("Steps", exact=False).first.fill("120")
    first.get_by_role("button", name="Restore").click()
    first.wait_for_timeout(9000)
    screens.follow()
    screens.take("running")
    screens.each(lambda page: page.get_by_role("heading", name="Done in").wait_for())
    screens.each(lambda page: page.locator(".verdict").wait_for())
    screens.take("done")
    first.get_by_role("button", name="Show where it is unsure").click()
    screens.each(lambda page: page.get_by_label("Show where it is unsure").check())
    screens.take("unsure")

    for page in screens.pages.values():
        page.get_by_role("button", name="untaught: begin with another picture").click()
        page.get_by_label("A picture to restore").set_input_files(
            {"name": "holiday.tif", "mimeType": "image/tiff", "buffer": b"These are only words, and no picture."}
        )
        page.get_by_role("alert").wait_for()
    screens.take("refused")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        studio = Served(Path(folder))
        browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            shoot(Screens(browser, studio))
        finally:
            browser.close()
            studio.close()


if __name__ == "__main__":
    main()
