"""One button always gives a picture: what a person who knows no word of ours does first, in the studio's page."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from browsed import SLOW, card, choose, hand_in
from PIL import Image
from served import png

sync_api = pytest.importorskip("playwright.sync_api", reason="the extra test-studio is not installed")
expect = sync_api.expect

WORDS = Path(__file__).parents[1] / "page" / "src" / "words"
BOOKS = {
    path.stem: {**held["page"], **held["served"]}
    for path in sorted(WORDS.glob("*.json"))
    for held in [json.loads(path.read_text(encoding="utf-8"))]
}


@pytest.fixture(scope="module")
def clean():
    """A picture that nothing is wrong with."""
    y, x = np.mgrid[:340, :400]
    return np.uint8(np.dstack([128 + 60 * np.sin(x / k) * np.cos(y / 30) for k in (40, 50, 60)]))


def test_every_picture_has_a_button_at_once_and_one_that_is_clean_too(page, clean):
    page.keyboard.press("r")
    expect(page.get_by_role("alert")).to_have_text("Add a photo first.")
    hand_in(page, png(clean), "clean.png")
    expect(page.get_by_role("button", name="Restore")).to_be_enabled(timeout=2000)
    expect(page.get_by_text("We found nothing wrong. You can still clean, enlarge or sharpen it:")).to_be_visible()
    expect(page.get_by_role("button", name="Restore")).to_be_enabled()


def test_how_long_it_takes_is_said_before_anything_was_run(page, noisy):
    hand_in(page, png(noisy), "new.png")
    expect(page.get_by_text(re.compile(r"^About .+ on this computer\.$"))).to_be_visible(timeout=SLOW)
    expect(page.locator(".takes")).to_have_count(5, timeout=SLOW)  # under every preset
    card(page, "enhance").click()
    expect(page.locator(".takes")).to_have_count(2, timeout=SLOW)


SAID = """() => {
    const shown = (node) => node.checkVisibility() && !node.closest('[hidden], script, style, kbd')
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    const all = []
    while (walker.nextNode()) if (shown(walker.currentNode.parentElement)) all.push(walker.currentNode.data)
    for (const node of document.querySelectorAll('[aria-label], [title], [placeholder]'))
        if (shown(node)) all.push(...['aria-label', 'title', 'placeholder'].map((name) => node.getAttribute(name)))
    return all.filter(Boolean).map((text) => text.trim())
}"""


def english(book):
    """What finds a sentence of the page that is in English, and should be in the language of that book."""
    known = [key for key, said in book.items() if said != key]
    shapes = [r"[^,]+?".join(map(re.escape, re.split(r"(?:\{\w+\})+", key))) for key in known]
    return re.compile(f"(?:{'|'.join(shapes)})\\.?", re.IGNORECASE)


@pytest.mark.parametrize("language", BOOKS)
def test_the_page_speaks_as_its_reader_does(language, browser, page_studio, noisy):
    book = BOOKS[language]
    foreign = english(book)
    context = browser.new_context(locale=language, viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(SLOW)

    def press(english):
        page.get_by_role("button", name=book[english], exact=True).click()

    def fine():
        """Nothing is in English, and nothing is wider than the screen."""
        assert not [text for text in page.evaluate(SAID) if foreign.fullmatch(text) and text not in book.values()]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.goto(f"{page_studio.base}/#t={page_studio.token}")
    page.get_by_role("button", name=book["Choose a file"]).wait_for()
    assert page.locator("html").get_attribute("lang") == language
    fine()
    for opened in ("Help", "Queue"):
        press(opened)
        fine()
        press("Close")
    given = page.get_by_label(book["A picture to restore"], exact=True)
    given.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"only words"})
    expect(page.get_by_role("alert")).to_contain_text(book["plain text"], timeout=SLOW)
    given.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": png(noisy)})
    found = re.escape(book["strong grain: about {level} of 255"])
    expect(page.get_by_text(re.compile(found.replace(r"\{level\}", r"\d+"), re.IGNORECASE))).to_be_visible(timeout=SLOW)
    cards = page.get_by_role("radio")
    for number in range(cards.count()):
        if cards.nth(number).is_visible():
            cards.nth(number).click()
            page.locator("summary", has_text=book["Finer settings"]).click()
            fine()
    page.get_by_role("radio", name=book["Grain"]).click()
    page.get_by_role("button", name=re.compile(f"^{book['instant']}")).click()
    press("Restore")
    page.get_by_role("heading", name=re.compile(f"^{book['Done in {time}'].split(' {')[0]}")).wait_for()
    page.locator(".verdict").wait_for()
    page.locator("summary", has_text=book["Details"]).click()
    page.locator("summary", has_text=book["Format, quality, size"]).click()
    fine()
    press("Other settings or another task")
    page.get_by_label(book["Language"], exact=True).select_option("en")
    expect(page.get_by_role("button", name="Restore")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Restore")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
    assert foreign.fullmatch("Restore")  # and what is English is found
    assert [text for text in page.evaluate(SAID) if foreign.fullmatch(text)]
    context.close()


def test_the_result_is_dragged_out_of_the_page(page, noisy):
    hand_in(page, png(noisy), "out.png")
    choose(page, "denoise", preset="instant", Strength_of_the_grain=25)
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("heading", name=re.compile("^Done in")).wait_for(timeout=SLOW)
    told = page.get_by_role("link", name=re.compile("^Download")).first.evaluate("""link => {
        const data = new DataTransfer()
        link.dispatchEvent(new DragEvent('dragstart', { bubbles: true, dataTransfer: data }))
        return data.getData('DownloadURL')
    }""")
    kind, name, address = told.split(":", 2)
    assert (kind, name) == ("application/octet-stream", "out.untaught.png")
    assert Image.open(io.BytesIO(page_studio_get(page, address))).size == (56, 48)


def page_studio_get(page, address):
    """What a browser writes where it is let go."""
    return page.context.request.get(address).body()


def test_blurred_gives_a_picture_without_a_word_one_must_look_up(page, photo):
    soft = np.asarray(Image.fromarray(photo).resize((28, 24)).resize((56, 48)))
    hand_in(page, png(soft), "soft.png")
    card(page, "deblur").click()
    expect(page.get_by_role("button", name="I do not know")).to_have_attribute("aria-pressed", "true")
    assert "kernel" not in page.inner_text("body").lower()
    page.get_by_role("button", name="Out of focus").click()
    page.get_by_label("Width of the blur, in pixels").fill("2")
    page.locator("summary", has_text="Finer settings").click()
    page.get_by_role("button", name=re.compile("^instant")).click()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name=re.compile("^Done in"))).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Other settings or another task").click()
    expect(page.get_by_text(re.compile("on this computer"))).to_be_visible()  # it has done one like it
    with page.expect_request("**/api/jobs") as sent:
        page.get_by_role("button", name="I do not know").click()
        page.get_by_role("button", name="Restore").click()
    assert sent.value.post_data_json["settings"] == {"preset": "instant", "blind": True}
    expect(page.get_by_role("heading", name=re.compile("^Done in"))).to_be_visible(timeout=SLOW)


def test_the_arrows_choose_among_the_cards(page, clean):
    hand_in(page, png(clean), "clean.png")
    card(page, "denoise").focus()
    page.keyboard.press("ArrowRight")
    expect(card(page, "inpaint")).to_be_focused()
    expect(card(page, "inpaint")).to_have_attribute("aria-checked", "true")
    page.keyboard.press("ArrowLeft")
    expect(card(page, "denoise")).to_have_attribute("aria-checked", "true")
    assert page.locator("[role=radio][tabindex='0']").count() == 2  # one of each group


def test_on_a_phone_the_button_is_in_reach(browser, page_studio, clean):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(SLOW)
    page.goto(f"{page_studio.base}/#t={page_studio.token}")
    page.get_by_role("button", name="Choose a file").wait_for()
    hand_in(page, png(clean), "clean.png")
    box = page.get_by_role("button", name="Restore").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 844
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    card(page, "inpaint").click()
    for language in ("de", "fr", "en"):
        page.get_by_role("combobox").first.select_option(language)
        page.get_by_role("application").wait_for()
        assert page.evaluate(
            "[...document.querySelectorAll('button')].every((b) => b.getBoundingClientRect().right <= innerWidth)"
        )
    page.get_by_role("button", name="New picture").tap()
    page.get_by_role("button", name="Choose a file").wait_for()
    context.close()


def test_versions_are_stepped_through_and_compared(page, noisy):
    hand_in(page, png(noisy), "versions.png")
    choose(page, "denoise", preset="instant", Strength_of_the_grain=25)
    page.get_by_role("button", name="Restore").click()
    done = page.get_by_role("heading", name=re.compile("^Done in"))
    done.wait_for(timeout=SLOW)
    expect(page.get_by_role("region", name="Versions")).to_be_hidden()
    page.get_by_role("button", name="sharper").click()
    page.get_by_text("Version 2 of 2").wait_for(timeout=SLOW)
    expect(page.get_by_text(re.compile("sharper$")).first).to_be_visible()
    assert page.get_by_role("button", name="another version").count() == 0  # a classic filter draws nothing
    page.get_by_label("Compare with").select_option("version 1")
    expect(page.get_by_text("other version", exact=True)).to_be_visible()
    for key in "1+++":
        page.keyboard.press(key)
    page.get_by_role("button", name=re.compile(r"at\s+274 %")).wait_for()
    a, b = (page.get_by_text(said, exact=True).bounding_box() for said in ("other version", "after"))
    assert a["y"] + a["height"] <= b["y"]  # side by side they would lie over each other in so small a picture
    page.keyboard.press(",")
    page.get_by_text("Version 1 of 2").wait_for()
    expect(page.get_by_text("other version", exact=True)).to_be_hidden()  # not with itself
    page.get_by_role("button", name=re.compile("^Queue")).click()
    assert page.locator("dialog img[src*='/frames/']").count() >= 2
    page.keyboard.press("Escape")
    result = page_studio_get(page, page.get_by_role("link", name=re.compile("^Download")).first.evaluate("a => a.href"))
    page.get_by_role("button", name="Go on with this result").click()
    page.wait_for_url(re.compile("#picture="))
    tile = page.url.replace("/#picture=", "/api/pictures/") + "/tiles/0/0/0.png"
    now, before = (np.asarray(Image.open(io.BytesIO(data))) for data in (page_studio_get(page, tile), result))
    assert np.array_equal(now, before)
    expect(page.get_by_role("button", name=re.compile("^instant"))).to_have_attribute(
        "aria-pressed", "true"
    )  # as before
    expect(page.get_by_role("button", name="Restore")).to_be_enabled()


def test_several_photos_are_restored_at_one_press_and_come_back_in_one_file(page, noisy):
    def small(seed):
        return png(np.roll(noisy[:24, :28], seed, 0))

    files = [("a.png", small(0)), ("b.png", small(3)), ("b.jpg", b"these are only words"), ("notes.txt", b"")]
    page.get_by_label("A picture to restore").set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files]
    )
    expect(page.get_by_role("heading", name="3 photos")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_text(re.compile("^1 of 4 files were left out"))
    cards = page.get_by_role("list", name="Photos").get_by_role("listitem")
    expect(cards).to_have_count(3)
    expect(cards.nth(2)).to_contain_text("holds plain text", timeout=SLOW)
    expect(page.get_by_text("Each has its own suggestion")).to_be_visible(timeout=SLOW)
    expect(cards.nth(0)).to_contain_text("grain", timeout=SLOW)  # measured, and said on its card
    page.get_by_label("What to do with b.png").select_option("Little detail")
    page.get_by_role("button", name="Restore all").click()
    page.get_by_role("link", name="Download all (zip)").wait_for(timeout=SLOW)
    expect(page.get_by_text("2 of 3 done.")).to_be_visible(timeout=SLOW)
    with page.expect_download() as caught:
        page.get_by_role("link", name="Download all (zip)").click()
    with zipfile.ZipFile(caught.value.path()) as pack:
        assert sorted(pack.namelist()) == ["a.untaught.png", "b.untaught.png"]
        assert {Image.open(io.BytesIO(pack.read(name))).size for name in pack.namelist()} == {(28, 24)}
    page.get_by_role("button", name="Look at b.png").click()
    expect(page.get_by_role("heading", name=re.compile("^Done in"))).to_be_visible()
    page.get_by_role("button", name="All 3 photos").click()
    expect(cards).to_have_count(3)


def test_a_part_is_tried_before_the_whole(page):
    y, x = np.mgrid[:1030, :1100]
    wide = np.uint8(
        np.clip(128 + 60 * np.sin(x / 60) * np.cos(y / 40) + np.random.default_rng(2).normal(0, 20, x.shape), 0, 255)
    )
    hand_in(page, png(wide), "wide.png")
    choose(page, "denoise", preset="instant", Strength_of_the_grain=20)
    page.get_by_role("button", name="Try on a part first").click()
    square = page.get_by_role("group", name=re.compile("The part it is tried on"))
    before = square.bounding_box()
    square.focus()
    page.keyboard.press("ArrowLeft")
    assert square.bounding_box()["x"] < before["x"]
    page.mouse.move(before["x"] + 40, before["y"] + 40)
    page.mouse.down()
    page.mouse.move(before["x"] + 40, before["y"] + 10, steps=4)
    page.mouse.up()
    assert square.bounding_box()["y"] < before["y"]
    page.get_by_role("button", name=re.compile("^Try on this part")).click()
    page.get_by_role("heading", name=re.compile("^Done in")).wait_for(timeout=SLOW)
    expect(page.get_by_role("link", name="Download 8 bit PNG")).to_be_visible()
    with page.expect_request("**/api/jobs") as sent:
        page.get_by_role("button", name="Restore the whole photo").click()
    told = sent.value.post_data_json
    assert told["settings"]["preset"] == "instant"
    page.get_by_role("heading", name=re.compile("Removing|^Done in")).wait_for()
    assert (
        page.evaluate("id => fetch(`/api/pictures/${id}`).then((r) => r.json())", told["picture"])["name"] == "wide.png"
    )


@pytest.mark.parametrize(("task", "least"), [("denoise", 128), ("upscale", 64)])
def test_the_time_of_a_part_is_that_of_the_preset_and_short(page, clean, task, least):
    """While it is not known none is said; and of what takes long a smaller square is tried, down to a result of 128 pixels."""
    late = []

    def tell(route):
        preset = route.request.post_data_json["settings"].get("preset", "fast")
        late.append(route) if preset == "balanced" else route.fulfill(json={"seconds": 4})

    def answered():
        """All that was asked by now, which may be asked twice, by the side of its square."""
        while late:
            route = late.pop()
            side = route.request.post_data_json.get("side")
            route.fulfill(json={"seconds": 19 * (side or 1000) / least})

    page.route("**/api/seconds", tell)
    hand_in(page, png(np.tile(clean, (4, 4, 1))), "wide.png")
    choose(page, task, **({"How_many_times_larger": 2} if task == "upscale" else {}))
    page.get_by_role("button", name="Try on a part first").click()
    button = page.get_by_role("button", name=re.compile("^Try on this part"))
    square = page.get_by_role("group", name=re.compile("The part it is tried on"))
    expect(button).to_have_text("Try on this part4 s")
    before = square.bounding_box()
    page.get_by_role("button", name=re.compile("^balanced")).click()
    expect(button).to_have_text("Try on this part…")
    for _ in range(1000):
        if button.text_content() == "Try on this part19 s":
            break
        answered()
        page.wait_for_timeout(20)
    expect(button).to_have_text("Try on this part19 s")
    after = square.bounding_box()
    assert after["width"] == pytest.approx(before["width"] * least / 512, abs=1)
    assert after["x"] + after["width"] / 2 == pytest.approx(before["x"] + before["width"] / 2, abs=1)
    page.unroute_all(behavior="ignoreErrors")


def test_why_it_would_be_refused_stands_where_its_time_would(page, clean):
    """In the engine's own words; and it goes with what was wrong."""
    hand_in(page, png(clean[:48, :64]), "small.png")
    restore, why = page.get_by_role("button", name="Restore"), page.locator("#refusal")
    choose(page, "upscale", preset="fast", How_many_times_larger=999)
    expect(why).to_have_text(re.compile("needs about .+ of memory this way, and .+ are free"))
    expect(restore).to_be_disabled()
    expect(restore).to_have_accessible_description(re.compile("of memory this way"))
    expect(page.get_by_text(re.compile("on this computer"))).to_be_hidden()
    page.get_by_label("How many times larger").fill("2")
    page.keyboard.press("Tab")
    expect(why).to_be_hidden()
    expect(restore).to_be_enabled()


def test_a_mask_that_is_loaded_takes_the_place_of_what_was_painted(page, noisy):
    """And undo brings that back. What the studio finds is added to it."""
    mask = np.zeros(noisy.shape[:2], np.uint8)
    hand_in(page, png(noisy), "holes.png")
    choose(page, "inpaint", preset="instant")
    page.get_by_role("button", name="Rectangle").click()
    for label, value in (("left", 0), ("top", 0), ("wide", 28), ("high", 48)):
        page.get_by_label(label, exact=True).fill(str(value))
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("50.0 % painted")).to_be_visible()
    mask[:12, 42:] = 255
    loaded = {"name": "m.png", "mimeType": "image/png", "buffer": png(mask)}
    page.get_by_label("A mask", exact=True).set_input_files(loaded)
    expect(page.get_by_text("6.3 % painted")).to_be_visible()
    expect(page.get_by_text("The mask took the place of what was painted.")).to_be_visible()
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_text("50.0 % painted")).to_be_visible()
    expect(page.get_by_text("The mask took the place")).to_be_hidden()
    page.get_by_role("button", name="Redo").click()
    expect(page.get_by_text("6.3 % painted")).to_be_visible()
    found = {"id": "found"}
    page.route("**/propose/*", lambda route: route.fulfill(json=found))
    page.route("**/found/mask.png", lambda route: route.fulfill(body=png(mask[:, ::-1]), content_type="image/png"))
    page.get_by_label("Propose a mask").select_option("scratches")
    expect(page.get_by_text("12.5 % painted")).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")
    page.get_by_label("A mask", exact=True).set_input_files({**loaded, "buffer": png(np.full_like(mask, 255))})
    expect(page.locator("#refusal")).to_have_text(re.compile("^All of it is painted"))
    expect(page.get_by_role("button", name="Restore")).to_be_disabled()
    page.get_by_role("button", name="Undo").first.click()
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("heading", name=re.compile("^Done in")).wait_for(timeout=SLOW)
    page.get_by_role("button", name="Other settings or another task").click()
    expect(page.get_by_text("12.5 % painted")).to_be_visible()  # what was painted is there again


def test_the_page_can_be_installed(page_studio):
    whole = page_studio.get("/")
    assert "manifest-src 'self'" in whole.headers["content-security-policy"]
    assert 'rel="manifest"' in whole.text
    told = page_studio.get("/manifest.webmanifest").json()
    assert told["display"] == "standalone"
    assert all(page_studio.get(f"/{icon['src']}").status_code == 200 for icon in told["icons"])
