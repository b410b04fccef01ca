"""No page asks another host for anything: python docs/site/check.py build/site.

Links that a reader may follow are allowed; scripts, styles, pictures, fonts and frames are not.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

FOREIGN = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.I)
LOADED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "object": "data",
}


class Loads(HTMLParser):
    """Everything that a browser fetches by itself when it shows the page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        value = dict(attrs).get(LOADED.get(tag, ""))
        if value and FOREIGN.match(value):
            self.found.append(f"<{tag}> {value}")


def foreign(site: Path) -> list[str]:
    """What is loaded from elsewhere, by page and by style sheet."""
    found = []
    for page in sorted(site.rglob("*.html")):
        parser = Loads()
        parser.feed(page.read_text(encoding="utf-8"))
        found += [f"{page.relative_to(site)}: {load}" for load in parser.found]
    for sheet in sorted(site.rglob("*.css")):
        urls = re.findall(r"(?:url\(|@import\s+(?:url\()?)[\"']?([^\"')\s]+)", sheet.read_text(encoding="utf-8"))
        found += [f"{sheet.relative_to(site)}: {url}" for url in urls if FOREIGN.match(url)]
    return found


if __name__ == "__main__":
    site = Path(sys.argv[1])
    loads = foreign(site)
    print(
        "\n".join(loads) or f"{sum(1 for _ in site.rglob('*.html'))} pages in {site}, none of which asks another host."
    )
    sys.exit(bool(loads))
