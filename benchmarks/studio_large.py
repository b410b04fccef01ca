"""A large photo in the studio's page: when its button can be pressed, and how long a step of the zoom takes.

    python benchmarks/studio_large.py [--megapixels 50] [--rounds 3]

A photograph of scikit-image, enlarged, as a JPEG of quality 92, is chosen in Chromium without a graphics card (extra test-studio).
Seconds by the clock of the machine as it is, the least of the rounds; of the zoom the median of nine steps, two frames among them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from skimage import data

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from browsed import CHROMIUM, QUIET, zoom_step
from large import held
from served import Served


def chosen(page: Page, path: Path) -> float:
    """Seconds until the photo is seen, and its button can be pressed."""
    begun = time.perf_counter()
    page.get_by_label("A picture to restore").set_input_files(path)
    page.locator(f'canvas[aria-label="{path.name}"]').wait_for()
    page.locator("button:enabled", has_text="Restore").first.wait_for()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as play:
        photo = Image.fromarray(data.astronaut())
        side = round((options.megapixels * 1e6) ** 0.5)
        browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        studio = Served(Path(name) / "studio", "--max-megapixels", str(options.megapixels + 1))
        try:
            found = []
            for number in range(options.rounds):
                path = Path(name) / f"large-{number}.jpg"
                photo.resize((side, side), Image.Resampling.BICUBIC).save(path, quality=92)
                page = browser.new_context(viewport={"width": 1200, "height": 760}).new_page()
                page.set_default_timeout(120_000)
                page.goto(f"{studio.base}/#t={studio.token}")
                page.get_by_role("button", name="Choose a file").wait_for()
                button = chosen(page, path)
                page.wait_for_timeout(3000)
                whole = zoom_step(page)
                page.keyboard.press("1")
                page.wait_for_timeout(3000)
                found.append((button, whole, zoom_step(page)))
                page.context.close()
            button, whole, exact = (min(column) for column in zip(*found, strict=True))
            print(f"{side} x {side}: seen, with its button, after {button:.1f} s")
            print(f"a step of the zoom: {whole:.0f} ms with all of it in view, {exact:.0f} ms at true pixels")
            print(f"the studio and its engine hold {held(studio.process.pid) / 1e9:.2f} GB")
        finally:
            studio.close()
            browser.close()


if __name__ == "__main__":
    main()
