"""The studio's page in a real browser, with the real engine on small pictures."""

from __future__ import annotations

import io
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from browsed import SLOW, card, choose, downloaded, hand_in
from PIL import Image
from served import png

sync_api = pytest.importorskip("playwright.sync_api", reason="the extra test-studio is not installed")
AXE = Path(__file__).parents[1] / "page" / "node_modules" / "axe-core" / "axe.min.js"
expect = sync_api.expect


@pytest.fixture
def studio(page_studio):
    return page_studio


def test_a_photo_is_restored_from_end_to_end(page, studio, noisy, one_thread):
    assert "#t=" not in page.url
    hand_in(page, png(noisy))
    expect(page.get_by_text(re.compile(r"Strong grain: about \d+ of 255"))).to_be_visible(timeout=SLOW)
    expect(card(page, "denoise")).to_have_attribute("aria-checked", "true")
    choose(page, "denoise", Strength_of_the_grain=25, Steps=15)
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name=re.compile("^Done in"))).to_be_visible(timeout=SLOW)
    page.locator("summary", has_text="Details").click()
    expect(page.get_by_text("Step 15. All 15 steps are done.")).to_be_visible()
    slider = page.get_by_role("slider", name=re.compile("before ends"))
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", "52")
    data, name = downloaded(page)
    assert name == "photo.untaught.png"
    import untaught

    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(data))), untaught.denoise(noisy, sigma=round(25 / 255, 17), steps=15)
    )
    expect(page.get_by_text(re.compile("^(Looks right|Some|There may|Look at|The colours|Compare)"))).to_be_visible(
        timeout=SLOW
    )
    data, name = downloaded(page, "^Report$")
    assert (name, data[:15]) == ("photo.report.html", b"<!doctype html>")
    page.get_by_role("button", name="another version").click()
    expect(page.get_by_role("heading", name="Removing grain")).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("^Done in"))).to_be_visible(timeout=SLOW)


def test_where_a_result_is_unsure_lies_over_it(page, noisy):
    hand_in(page, png(np.tile(noisy, (2, 2, 1))[:60, :60]))  # enough to learn from
    choose(page, "denoise", Strength_of_the_grain=25, Steps=3)
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("button", name="Show where it is unsure").click()
    expect(page.get_by_label("Show where it is unsure")).to_be_checked(timeout=SLOW)
    expect(page.get_by_role("img", name=re.compile("^Where the result is unsure"))).to_be_visible()
    data, name = downloaded(page, "map, TIFF")
    assert (name, data[:2]) == ("photo.unsure.tif", b"II")
    page.keyboard.press("u")
    expect(page.get_by_role("img", name=re.compile("^Where the result is unsure"))).to_be_hidden()


def test_a_mask_is_painted_and_what_it_leaves_out_is_untouched_in_sixteen_bits(page):
    import tifffile

    values = np.random.default_rng(1).integers(20_000, 40_000, (32, 40, 3), dtype=np.uint16)
    out = io.BytesIO()
    tifffile.imwrite(out, values, photometric="rgb", compression="lzw")
    hand_in(page, out.getvalue(), "scan.tif")
    choose(page, "inpaint", preset="instant")
    restore = page.get_by_role("button", name="Restore")
    expect(page.locator("#refusal")).to_have_text(re.compile("Nothing is painted yet"))
    expect(restore).to_be_disabled()
    page.keyboard.press("r")
    expect(page.get_by_role("alert")).to_have_text(re.compile("Nothing is painted yet"))
    canvas = page.get_by_role("application")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"^[1-9]\d*\.\d % painted"))).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(restore).to_be_enabled()
    page.get_by_role("button", name="Invert").click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("0.0 % painted")).to_be_visible()
    page.get_by_role("button", name="Rectangle").click()
    for label, value in (("left", 8), ("top", 4), ("wide", 10), ("high", 6)):
        page.get_by_label(label, exact=True).fill(str(value))
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("4.7 % painted")).to_be_visible()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name=re.compile("^Done in"))).to_be_visible(timeout=SLOW)
    data, name = downloaded(page)
    assert name == "scan.untaught.tif"
    made = tifffile.imread(io.BytesIO(data))
    assert made.dtype == np.uint16
    hole = np.zeros((32, 40), bool)
    hole[4:10, 8:18] = True
    assert np.array_equal(made[~hole], values[~hole])
    assert not np.array_equal(made[hole], values[hole])


def test_a_photo_with_flash_goes_in_beside_the_dark_one(page, photo):
    dark = (photo // 5 + np.random.default_rng(0).integers(0, 9, photo.shape)).astype(np.uint8)
    hand_in(page, png(dark), "dark.png")
    choose(page, "flash", Steps=4)
    expect(page.locator("#refusal")).to_have_text(
        'The second picture is missing: add "Second photo of the same scene".'
    )
    expect(page.get_by_role("button", name="Restore")).to_be_disabled()
    zone = page.get_by_role("group", name="Second photo of the same scene")
    zone.locator("input").set_input_files({"name": "lit.png", "mimeType": "image/png", "buffer": png(photo)})
    expect(zone.get_by_text("lit.png")).to_be_visible()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name=re.compile("^Done in"))).to_be_visible(timeout=SLOW)
    data, name = downloaded(page)
    assert name == "dark.untaught.png"
    assert Image.open(io.BytesIO(data)).size == dark.shape[1::-1]


def test_pause_reload_go_on_stop_and_cancel(page, noisy):
    hand_in(page, png(noisy[:32, :32]))
    choose(page, "denoise", preset="paper", Steps=100000)
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile("^Paused")).last).to_be_visible(timeout=SLOW)
    page.reload()
    expect(page.get_by_text(re.compile("^Paused")).last).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Go on").click()
    page.locator("summary", has_text="Details").click()
    expect(page.get_by_text(re.compile(r"Step \d+$")).last).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\d+ % untaught$"))
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Let it run").click()
    page.get_by_role("button", name="Stop and keep the best").click()
    expect(page.get_by_text(re.compile("^You stopped it; "))).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Other settings or another task").click()
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("button", name="Cancel run").click()
    if page.get_by_role("dialog").is_visible():
        page.get_by_role("dialog").get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_role("button", name="Restore")).to_be_visible(timeout=SLOW)


def test_a_photo_that_comes_before_the_page_has_its_key_is_taken_all_the_same(page, studio, noisy):
    held = []
    page.context.clear_cookies()
    page.route("**/api/enter", lambda route: held.append(route))
    page.goto("about:blank")
    page.goto(f"{studio.base}/#t={studio.token}")
    page.get_by_label("A picture to restore").set_input_files(
        {"name": "early.png", "mimeType": "image/png", "buffer": png(noisy)}
    )
    page.wait_for_timeout(300)
    held.pop().continue_()
    expect(page.get_by_role("heading", name="early.png")).to_be_visible(timeout=20_000)


HELD = """
delete window.SharedWorker // so that the page listens by itself
const heard = EventSource.prototype.addEventListener
window.held = []
EventSource.prototype.addEventListener = function (name, tell) {
    heard.call(this, name, (event) =>
        window.held && event.data.includes('"suggestion"') ? window.held.push(() => tell(event)) : tell(event))
}
"""


def test_a_task_that_is_chosen_stays_chosen_when_the_picture_is_measured(page, noisy):
    """The one that was there before, too: what is measured meanwhile ("it is small") would put another in its place."""
    page.add_init_script(HELD)
    page.reload()
    hand_in(page, png(noisy[:24, :24] // 64 * 64))
    page.wait_for_function("held.length")
    card(page, "denoise").click()
    page.evaluate("const told = held; held = null; told.forEach((one) => one())")
    expect(page.get_by_text("It is small")).to_be_visible()
    expect(card(page, "denoise")).to_have_attribute("aria-checked", "true")


def refused(page, label, name, data, said):
    page.get_by_label(label, exact=True).set_input_files({"name": name, "mimeType": "image/png", "buffer": data})
    expect(page.get_by_role("alert")).to_have_text(re.compile(said), timeout=SLOW)


def test_bad_input_is_a_sentence_on_the_page(page, noisy):
    good, moving, large = png(noisy), io.BytesIO(), io.BytesIO()
    Image.fromarray(noisy).save(moving, "WEBP", save_all=True, append_images=[Image.fromarray(noisy[::-1])])
    Image.new("1", (9000, 7000)).save(large, "PNG")
    for data, said in (
        (b"these are only words", "thing.png holds plain text, not a picture"),
        (good[: len(good) // 2], "thing.png.* incomplete or damaged"),
        (moving.getvalue(), "thing.png.* animation of 2 frames"),
        (
            large.getvalue(),
            r"thing.png.* is 9000 x 7000 pixels .63 MP\) and the limit is 50 MP: start again with --max-megapixels 63",
        ),
    ):
        refused(page, "A picture to restore", "thing.png", data, said)
    hand_in(page, good)
    card(page, "inpaint").click()
    refused(page, "A mask", "m.png", png(noisy[:10, :12]), "The mask is 12 x 10 pixels and the picture 56 x 48")
    page.get_by_role("button", name="untaught: begin").click()
    recipe = "recipe = 1\ntask = 'denoise'\nsteps = 1\ncomplete = true\nthreads = 1\nnotes = []\n[input]\nname = ''\nsha256 = ''\n"
    for text, said in (
        (recipe + "[settings]\nsgma = 0.1\n[versions]\n", "no setting of 'denoise' 'sgma': did you mean 'sigma'"),
        (f"colour = 1\n{recipe}[settings]\n[versions]\n", "the field 'colour' is unknown"),
    ):
        refused(page, "A picture to restore", "a.toml", text.encode(), said)


def test_a_killed_engine_and_a_full_disk_are_sentences_and_the_queue_goes_on(page, studio, noisy):
    hand_in(page, png(noisy[:32, :32]))
    choose(page, "denoise", preset="paper", Steps=100000)
    page.get_by_role("button", name="Restore").click()
    page.locator("summary", has_text="Details").click()
    expect(page.get_by_text(re.compile(r"Step \d+$")).last).to_be_visible(timeout=SLOW)
    os.kill(studio.worker(), signal.SIGKILL)
    expect(page.get_by_role("alert")).to_have_text(
        re.compile("The engine ended unexpectedly at step .*signal 9"), timeout=SLOW
    )
    page.get_by_role("button", name="Change the settings").click()
    page.get_by_role("button", name="Restore").click()  # waits for the next engine
    page.wait_for_url(re.compile("#job="))
    (studio.folder / "jobs" / page.url.partition("=")[2] / "result.npy").mkdir()
    page.get_by_role("button", name="Stop and keep the best").click()
    expect(page.get_by_role("alert")).to_have_text(re.compile("did not take the result"), timeout=SLOW)
    page.get_by_role("button", name="Change the settings").click()
    page.locator("summary", has_text="Finer settings").click()
    page.get_by_label("Steps", exact=False).first.fill("3")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name=re.compile("^Done in"))).to_be_visible(timeout=SLOW)


def test_eight_tabs_all_hear_of_a_job(page, studio, noisy):
    """A browser allows six connections to a server: one stream must do for all tabs."""
    tabs = [page.context.new_page() for _ in range(7)]
    for tab in tabs:
        tab.set_default_timeout(SLOW)
        tab.goto(studio.base)
        expect(tab.get_by_role("button", name="Choose a file")).to_be_enabled(timeout=SLOW)
    hand_in(page, png(noisy[:32, :32]))
    choose(page, "denoise", Strength_of_the_grain=25, Steps=3)
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name=re.compile("^Done in"))).to_be_visible(timeout=SLOW)
    for tab in tabs:
        tab.get_by_role("button", name="Queue").click()
        expect(tab.get_by_text(re.compile(r"Grain · done")).last).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_bars_anybody(theme, browser, studio, noisy):
    """axe-core's rules, and no sideways scrolling on a narrow screen, in the states that a person sees first and last."""
    if not AXE.is_file():
        pytest.skip("axe-core is not here: npm ci in page/")
    context = browser.new_context(  # axe must not meet a colour half way through a transition
        viewport={"width": 390, "height": 800}, color_scheme=theme, bypass_csp=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(SLOW)
    page.goto(f"{studio.base}/#t={studio.token}")
    page.get_by_role("button", name="Choose a file").wait_for()
    _bars_nobody(page)
    hand_in(page, png(noisy))
    card(page, "inpaint").click()
    _bars_nobody(page)
    choose(page, "denoise", Strength_of_the_grain=25, preset="instant")
    _bars_nobody(page)
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name=re.compile("^Done in"))).to_be_visible(timeout=SLOW)
    _bars_nobody(page)
    page.get_by_role("button", name="Help").click()
    _bars_nobody(page)
    context.close()


def _bars_nobody(page):
    wide = """[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 80))"""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.evaluate(wide)
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 160))]))")
    assert not found
