"""The studio in another browser: what a person does first, in Firefox.

Playwright speaks with Debian's Firefox by eval, which the page's own policy forbids: the page comes without it here, and the policy
is tried in Chromium. Downloads, touch and languages are tried there alone, too: this Firefox tells a driver nothing of them.
"""

from __future__ import annotations

import re

import firefox
import numpy as np
import pytest
from browsed import SLOW, card, choose, hand_in, watched
from served import png

sync_api = pytest.importorskip("playwright.sync_api", reason="the extra test-studio is not installed")
pytest.importorskip("websockets", reason="the extra test-studio is not installed")
expect = sync_api.expect


@pytest.fixture(scope="module")
def fox(play, tmp_path_factory):
    if firefox.FIREFOX is None:
        pytest.skip("Debian's firefox is not installed: apt-get install firefox-esr")
    program = firefox.wrapped(tmp_path_factory.mktemp("firefox"))
    browser = play.firefox.launch(executable_path=program, channel="moz-firefox", timeout=SLOW)
    yield browser
    browser.close()


@pytest.fixture
def page(fox, page_studio):
    def without_policy(route):
        answer = route.fetch()
        kept = {k: v for k, v in answer.headers.items() if k.lower() != "content-security-policy"}
        route.fulfill(response=answer, headers=kept)

    context = fox.new_context(viewport={"width": 1200, "height": 760})
    context.route(f"{page_studio.base}/", without_policy)
    yield from watched(context, page_studio)


def test_a_photo_is_restored_and_looked_at(page, noisy):
    hand_in(page, png(noisy), "fox.png")
    expect(page.get_by_role("button", name="Restore")).to_be_enabled()
    expect(page.get_by_text(re.compile(r"Strong grain: about \d+ of 255"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"^About .+ on this computer\.$"))).to_be_visible()
    choose(page, "denoise", preset="instant")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name=re.compile("^Done in"))).to_be_visible()
    expect(page.get_by_text(re.compile("^(Looks right|Some|There may|Look at|The colours|Compare)"))).to_be_visible()
    slider = page.get_by_role("slider", name=re.compile("before ends"))
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", "52")
    page.get_by_role("button", name="Result only").click()
    after = page.get_by_role("img", name="After", exact=True)
    seen = [after.evaluate("canvas => canvas.toDataURL()")]
    for key in ("1", "+", "0"):
        page.keyboard.press(key)
        page.wait_for_timeout(1000)
        seen.append(after.evaluate("canvas => canvas.toDataURL()"))
    assert len(set(seen)) >= 3  # as large as it fits, true pixels, larger
    page.get_by_label("Amount", exact=True).evaluate(
        "(slider) => { slider.value = 0; slider.dispatchEvent(new Event('input', { bubbles: true })) }"
    )
    page.wait_for_timeout(1000)
    assert after.evaluate("canvas => canvas.toDataURL()") != seen[-1]
    page.reload()
    expect(page.get_by_role("heading", name=re.compile("^Done in"))).to_be_visible()


def test_a_refusal_is_a_sentence_and_a_hole_is_painted(page):
    y, x = np.mgrid[:120, :160]
    page.get_by_label("A picture to restore").set_input_files(
        {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 nothing"}
    )
    expect(page.get_by_role("alert")).to_contain_text("PDF")
    hand_in(page, png(np.uint8((x + y) % 256)), "ramp.png")
    card(page, "inpaint").click()
    canvas = page.get_by_role("application")
    canvas.click()
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
