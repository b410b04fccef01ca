"""How pages look, light, dark and on paper, and what all of them begin and end with: no request leaves them."""

from __future__ import annotations

from html import escape

STYLE = """
:root{color-scheme:light dark;--ink:#1c1d21;--soft:#5d6068;--paper:#fff;--card:#f5f5f3;--line:#d9d9d4;--curve:#0072b2;
--mark:#b45309;--good:#0a7a52;--doubtful:#a15c00;--reach:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e6;--soft:#a3a6ad;--paper:#15161a;--card:#1e2025;--line:#363940;
--curve:#56b4e9;--mark:#f0a35a;--good:#4cc38a;--doubtful:#f2b35e;--reach:#ff8a80}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:2rem 1.25rem 4rem;background:var(--paper);color:var(--ink);
font:1rem/1.55 system-ui,sans-serif}
h1{font-size:1.05rem;font-weight:600;letter-spacing:.02em;margin:0;color:var(--soft)}
h2{font-size:1.15rem;margin:2.4rem 0 .7rem}
.verdict{display:flex;gap:1rem;margin:1rem 0 0;padding:1.1rem 1.3rem;background:var(--card);border-radius:.6rem;
border-left:.45rem solid var(--tone)}
.verdict .sign{font-size:2rem;line-height:1.1;font-weight:700;color:var(--tone)}
.verdict strong{font-size:1.5rem;line-height:1.2;color:var(--tone)}
.verdict p,.verdict ul{margin:.3rem 0 0}.verdict ul{padding-left:1.2rem}
.good{--tone:var(--good)}.doubtful{--tone:var(--doubtful)}.out{--tone:var(--reach)}.not{--tone:var(--soft)}
.row{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(18rem,100%),1fr));gap:1.2rem}
figure{margin:0;break-inside:avoid}figcaption{color:var(--soft);font-size:.9rem;margin-top:.3rem;max-width:40rem}
img{max-width:100%;height:auto;display:block;border-radius:.3rem}img.pixels{image-rendering:pixelated;max-width:none}
.crops{overflow-x:auto;display:flex;flex-wrap:wrap;gap:1.2rem}.crops figure{width:min-content;min-width:min(14rem,100%)}
svg{width:100%;height:auto;display:block}svg text{font:12px system-ui,sans-serif;fill:var(--soft)}
svg .marked{fill:var(--mark);font-weight:600}.frame{fill:none;stroke:var(--line)}.grid{stroke:var(--line);stroke-width:.6}
.curve{fill:none;stroke:var(--curve);stroke-width:2}.mark{stroke:var(--mark);stroke-width:1.6}
.level{stroke:var(--soft);stroke-dasharray:5 4}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.38rem .8rem .38rem 0;border-bottom:1px solid var(--line)}
th{font-weight:500;min-width:10rem}td{overflow-wrap:anywhere}td.value{white-space:nowrap;font-weight:600}td.why{color:var(--soft)}
tr.led th,tr.led td.value{color:var(--tone)}code{font-size:.88rem}
@media(max-width:40rem){tr{display:block;padding:.4rem 0;border-bottom:1px solid var(--line)}
th,td,td.value{display:block;border:0;padding:0;white-space:normal}}
@media print{:root{color-scheme:light;--ink:#000;--soft:#444;--paper:#fff;--card:#fff;--line:#bbb}body{max-width:none;padding:0}
.verdict{border:1px solid var(--line);border-left:.45rem solid var(--tone)}h2{break-after:avoid}tr{break-inside:avoid}}
"""


def page(heading: str, body: str, *, title: str = "", tone: str = "", images: str = "data:", style: str = "") -> str:
    """A whole page. body: HTML; heading, title (the heading, where it is left out): plain words. images: where those may come
    from, nothing else may come at all. tone: a class of the page."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="'
        f"default-src 'none'; img-src {images}; style-src 'unsafe-inline'\">"
        f"<title>{escape(title or heading)}</title><style>{STYLE}{style}</style></head>"
        + (f'<body class="{tone}">' if tone else "<body>")
        + f"<header><h1>{escape(heading)}</h1></header><main>{body}</main></body></html>\n"
    )
