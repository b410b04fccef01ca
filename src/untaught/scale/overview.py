"""The page of a folder: every picture before and after, with its verdict; what failed and what is doubtful comes first."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import quote

from untaught.reports.style import page
from untaught.scale.manifest import FAILED, Outcome

ORDER = (FAILED, "out of reach", "doubtful", "not judged", "", "good")
WORDS = {FAILED: "failed", "": "not judged"}
CARDS = """
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(28rem,100%),1fr));gap:1rem}
.card{background:var(--card);border-radius:.6rem;border-left:.45rem solid var(--tone);padding:.8rem 1rem;overflow-wrap:anywhere}
.card p{margin:.3rem 0 0;font-size:.9rem}.card strong{color:var(--tone)}.card a{color:inherit}.card small{color:var(--soft)}
.failed{--tone:var(--reach)}
"""


def html(folder: Path, entries: Iterable[Outcome]) -> str:
    """One page beside the manifest, which loads nothing but the thumbnails and results that lie there."""
    kinds: dict[str, list[Outcome]] = {kind: [] for kind in ORDER}
    for entry in sorted(entries, key=lambda e: e.output):
        kinds.setdefault(FAILED if entry.state == FAILED else entry.verdict, []).append(entry)
    counts = ", ".join(f"{len(found)} {WORDS.get(kind, kind)}" for kind, found in kinds.items() if found)
    parts = [f"<p>{sum(map(len, kinds.values()))} pictures: {counts or 'none'}.</p>"]
    for kind, found in kinds.items():
        if found:
            word = WORDS.get(kind, kind)
            parts.append(f"<h2>{word.capitalize()} ({len(found)})</h2><div class='cards'>")
            parts += [_card(entry, (kind or "not judged").split()[0]) for entry in found]
            parts.append("</div>")
    parts.append(
        "<p><small>Judged from the data and the results alone; the true pictures are not known here. Left: before, right: after."
        "</small></p>"
    )
    return page(folder.name, "".join(parts), images="'self' file:", style=CARDS)


def _card(entry: Outcome, tone: str) -> str:
    image = f'<img loading="lazy" alt="Before and after" src="{quote(entry.thumbnail)}">' if entry.thumbnail else ""
    name, size = escape(entry.output), " x ".join(map(str, reversed(entry.size)))
    if entry.state != FAILED:
        name = f'<a href="{quote(entry.output)}">{name}</a>'
    said = escape(entry.error or entry.why)
    facts = ", ".join(filter(None, (f"{size} pixels" if size else "", f"{entry.seconds:.1f} s")))
    return f'<div class="card {tone}">{image}<p><strong>{name}</strong> <small>{facts}</small></p><p>{said}</p></div>'
