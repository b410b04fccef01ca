"""The page of reproduced figures: what is to be seen, the sheet, every number beside the published one. It loads nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from untaught.bench.figures._base import Figure
from untaught.reports.style import page

Entry = tuple[Figure, Sequence[Sequence[str]], str]
"""A figure, its table with the header first, and the command that made it."""
_MORE = """
nav ol{columns:2;column-gap:2rem;padding-left:1.4rem}nav a{color:inherit}h2 small{color:var(--soft);font-weight:400}
.sheet{background:#fff;padding:.5rem;border-radius:.6rem;border:1px solid var(--line);overflow-x:auto}.sheet img{margin:auto}
.table{overflow-x:auto}td.ours{font-weight:600}td,th{font-size:.88rem;min-width:0}pre{overflow-x:auto;white-space:pre-wrap}
@media print{section{break-before:page}}@media(max-width:40rem){nav ol{columns:1}}
"""
_OPENING = """<p>A network with random weights theta and a fixed random input z is fitted to one damaged picture y:</p>
<p><code>x* = argmin E(A x, y) + R(x), &nbsp; x = f<sub>theta</sub>(z)</code></p>
<p>E says how well A x explains what was measured, and nothing was ever learnt from other pictures. Whatever it restores
comes from the structure of f alone, and from stopping in time. Figures are numbered as in <i>Deep Image Prior</i>
(Ulyanov, Vedaldi and Lempitsky, CVPR 2018); what only the longer paper has (IJCV 2020) goes by its name.</p>"""


def html(entries: Sequence[Entry], size: str) -> str:
    """One page beside the sheets and tables that it shows."""
    names = [(figure.name, f"{figure.title} ({figure.number})") for figure, _, _ in entries]
    index = "".join(f'<li><a href="#{quote(name)}">{escape(title)}</a></li>' for name, title in names)
    title = "Deep Image Prior, reproduced"
    parts = [
        f"{_OPENING}"
        f"<p>Made here: {escape(size)}. Published figures are of the paper's own pictures at full size; ours are of the size "
        f"that stands beside them, and only like sizes can be compared.</p><nav><ol>{index}</ol></nav>"
    ]
    parts += [_section(*entry) for entry in entries]
    return page(f"{title} by untaught", "".join(parts), title=title, images="'self' file:", style=_MORE)


def _section(figure: Figure, table: Sequence[Sequence[str]], command: str) -> str:
    name = quote(figure.name)
    return (
        f'<section><h2 id="{name}">{escape(figure.title)} <small>{escape(figure.number)}</small></h2>'
        f"<p>{escape(figure.says)}</p>"
        f'<div class="sheet"><a href="{name}.png"><img loading="lazy" src="{name}.png" alt="{escape(figure.title)}"></a></div>'
        f'<div class="table">{_table(table)}</div><p><a href="{name}.csv">All numbers as CSV</a></p>'
        f"<pre><code>{escape(command)}</code></pre></section>"
    )


def _table(table: Sequence[Sequence[str]]) -> str:
    header, *rows = table
    used = [i for i, _ in enumerate(header) if any(row[i] for row in rows)]
    head = "".join(f"<th>{escape(header[i])}</th>" for i in used)
    body = "".join(
        "<tr>" + "".join(f'<td class="{header[i].replace(" ", "-")}">{escape(row[i])}</td>' for i in used) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
