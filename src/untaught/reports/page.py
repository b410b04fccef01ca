"""The report as one page: verdict, pictures, curves, figures, settings. Light and dark, for paper too; no request leaves it."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.amounts import percent
from untaught.reports import uncertainty_maps
from untaught.reports.drawing import array, curve, figure, smaller
from untaught.reports.figures import Figures
from untaught.reports.findings import Findings
from untaught.reports.style import page

CROP = 224  # side of a crop, shown pixel by pixel
SYMBOL = {"good": "✓", "doubtful": "?", "out of reach": "✕", "not judged": "-"}


def html(report: Findings, before: Any = None, after: Any = None) -> str:
    v, s = report.verdict, report.settings
    name = s.get("input", {}).get("name") or "a picture"
    title = f"{s.get('task', 'restored')}: {name}"
    tone, sign = ("not", "-") if v.filled else (v.kind.split()[0], SYMBOL[v.kind])
    if v.reasons:
        said = "<ul>" + "".join(f"<li>{escape(r.words[0].upper() + r.words[1:])}.</li>" for r in v.reasons) + "</ul>"
    else:
        words = v.sentence.partition(": ")[2]
        said = f"<p>{escape(words[0].upper() + words[1:])}.</p>"
    begin = (
        f'<section class="verdict" aria-label="Verdict"><span class="sign" aria-hidden="true">{sign}</span>'
        f"<div><strong>{escape((v.title if v.reasons else v.kind).capitalize())}</strong>{said}</div></section>"
    )
    seconds = f", {report.seconds:.0f} s" if report.seconds else ""
    run = f"<p>The run: {escape(report.reason or 'no reason is known')}; step {report.step}{seconds}.</p>"
    parts = [begin, run, _pictures(report, before, after), uncertainty_maps.html(report), _curves(report)]
    if report.figures is not None:
        parts.append(_figures(report.figures, {n for r in v.reasons for n, _ in r.figures}))
    if report.notes:
        notes = "".join(f"<li>{escape(n)}</li>" for n in report.notes)
        parts.append(f"<h2>What was done without being asked</h2><ul>{notes}</ul>")
    parts.append(_settings(s))
    parts.append(
        "<p><small>Judged from the data and the result alone; the true picture is not known here. A good verdict says that nothing "
        "speaks against the result, not that it is right.</small></p>"
    )
    return page(title, "".join(parts), title=f"{v.kind} - {title}", tone=tone)


def _pictures(report: Findings, before: Any, after: Any) -> str:
    old = array(before if before is not None else report.data)
    new = array(after if after is not None else report.x)
    if old is None or new is None:
        return ""
    if before is None and after is None and report.data is not None and report.x is not None:
        edge = [(a - b) // 2 for a, b in zip(new.shape[:2], old.shape[:2], strict=True)]
        if 0 < max(edge) < 0.25 * min(old.shape[:2]):  # what a kernel saw beyond the data
            new = new[edge[0] : edge[0] + old.shape[0], edge[1] : edge[1] + old.shape[1]]
    parts = ['<h2>Before and after</h2><div class="row">']
    for picture, word in ((old, "Before"), (new, "After")):
        small, size = smaller(picture), f"{picture.shape[1]} x {picture.shape[0]} pixels"
        shown = "" if small.shape == picture.shape else f", shown at {100 * small.shape[1] / picture.shape[1]:.0f} %"
        parts.append(figure(small, f"{word}: {size}{shown}", f"The picture {word.lower()} the restoration"))
    parts.append('</div><h2>At 100 %</h2><div class="crops">')
    r, c = _liveliest(new)
    ratio = old.shape[0] / new.shape[0], old.shape[1] / new.shape[1]
    inside = [min(CROP, n) for n in new.shape[:2]]
    there = [max(1, round(n * k)) for n, k in zip(inside, ratio, strict=True)]
    a, b = int(r * ratio[0]), int(c * ratio[1])
    first = old[a : a + there[0], b : b + there[1]]
    factor = max(1, round(1 / ratio[0]))
    first = first.repeat(factor, 0).repeat(factor, 1) if factor > 1 else first
    large = f", its pixels {factor} x {factor} times" if factor > 1 else ""
    where = f"from column {c}, row {r}"
    parts.append(figure(first, f"Before{large}", "A part before, pixel by pixel", "pixels"))
    parts.append(figure(new[r : r + inside[0], c : c + inside[1]], f"After, {where}", "The same part after", "pixels"))
    if report.residual is not None and report.figures is not None:
        deviation = max(report.figures.residual, 1e-6)
        whole = report.residual.shape[0] == 1  # of a large picture there are only parts
        part = report.residual[:, :, a : a + there[0], b : b + there[1]] if whole else report.residual[:1]
        grey = array(0.5 + part / (6 * deviation))
        if grey is not None:
            size = report.figures.said(deviation, form=".2g")
            what = f"Residual y - A x, grey: 0, black and white: 3 times its deviation of {size}"
            parts.append(figure(grey, what, "The residual; where it is noise it has no shapes", "pixels"))
    return "".join(parts) + "</div>"


def _curves(report: Findings) -> str:
    parts = []
    last = max((row[0] for row in report.curve), default=0)
    rows = [row for row in report.curve if row[0] == last]
    steps = [row[1] for row in rows]
    stage = f" (stage {last + 1})" if last else ""
    for values, word, log in (
        ([row[3] if row[3] is not None else float("nan") for row in rows], "The rule's score", True),
        ([row[2] for row in rows], "Energy", all(row[2] > 0 for row in rows)),
    ):
        drawn = curve(
            steps, values, name=f"{word} by steps", across="step", upward=word + stage, mark=report.step,
            marked=f"step {report.step}", log=log,
        )  # fmt: skip
        if drawn:
            note = f"{word}{stage}; the line marks the step that was taken"
            parts.append(f"<figure>{drawn}<figcaption>{note}.</figcaption></figure>")
    if report.figures is not None and report.figures.spectrum:
        bands = [float(k) for k in range(1, len(report.figures.spectrum) + 1)]
        drawn = curve(
            [k / 32 for k in bands], report.figures.spectrum, name="Spectrum of the residual over that of noise, dB",
            across="cycles a pixel", upward="Residual over noise, dB", level=0.0, levelled="as noise",
        )  # fmt: skip
        note = "Spectrum of the residual beside that of noise: flat where the residual is noise, high at the left where shapes are."
        parts.append(f"<figure>{drawn}<figcaption>{note}</figcaption></figure>")
    return '<h2>The run and its residual</h2><div class="row">' + "".join(parts) + "</div>" if parts else ""


def _figures(f: Figures, led: set[str]) -> str:
    def level(v: float | None) -> str:
        return "not known" if v is None else f.said(v)

    def plain(v: float | None, unit: str = "") -> str:
        return "not known" if v is None else f"{v:.2f}{unit}"

    kind = "shared by neighbouring pixels" if f.correlated else "independent between pixels"
    rows = [
        (
            "shift",
            "Mean residual",
            f.said(*f.shift, form="+.2f"),
            "by channel; 0: no shift",
        ),
        ("residual", "Residual", level(f.residual), "deviation of y - A x"),
        (
            "noise",
            "Noise of the data",
            level(f.noise),
            f"as the data show it; {kind}" if f.noise else "hidden by holes, or by a small size",
        ),
        ("told", "Noise that the run assumed", level(f.told), "sigma"),
        ("discrepancy", "Discrepancy", plain(f.discrepancy), "residual over noise; about 1 where the picture is right"),
        (
            "kept",
            "Noise taken away",
            plain(f.kept),
            "residual over the noise of the data; below 1: the picture kept the rest",
        ),
        (
            "neighbours",
            "Neighbours",
            plain(f.neighbours),
            "correlation of adjacent residuals, less that of noise; 0: as noise",
        ),
        ("flatness", "Flatness", plain(f.flatness), "of the residual's spectrum over the noise's; 1: the same"),
        (
            "detail",
            "Detail left over",
            percent(f.detail),
            "share of the data's detail of a few pixels that the picture lacks",
        ),
        ("edges", "Edges", plain(f.edges), "correlation of the residual's size with the picture's detail; 0: none"),
        ("remains", "Noise of the result", plain(f.remains), "over that of the data"),
        (
            "rise",
            "Ringing",
            plain(f.rise, " dB"),
            "rise of the picture's spectrum times f^2; natural pictures: up to about 3",
        ),
        ("outside", "Beyond the data's range", percent(f.outside), "of the picture"),
        ("cut", "White throughout", percent(f.cut), "of the data, 3 x 3 pixels and more at full scale"),
        ("missing", "Unknown", percent(f.missing), "of the measurements"),
        ("hole", "Deepest hole", f"{f.hole} pixels", "from the nearest known pixel"),
        (
            "spread",
            "Spread between seeds",
            "one seed" if f.spread is None else f.apart(f.spread),
            "deviation between results",
        ),
        (
            "pairs",
            "Two seeds apart",
            "one seed" if f.pairs is None else f"{f.pairs:.1f} dB",
            "PSNR of a pair of results, in the mean",
        ),
    ]
    body = "".join(
        f'<tr class="{"led" if key in led else ""}"><th scope="row">{name}</th><td class="value">{value}</td>'
        f'<td class="why">{why}</td></tr>'
        for key, name, value, why in rows
    )
    return f"<h2>Figures</h2><table><tbody>{body}</tbody></table>"


def _settings(settings: dict[str, Any]) -> str:
    rows = []
    for name, value in settings.items():
        for key, one in value.items() if isinstance(value, dict) else [("", value)]:
            rows.append(
                f'<tr><th scope="row">{escape(f"{name} {key}".strip())}</th><td><code>{escape(str(one))}</code></td></tr>'
            )
    if not rows:
        return ""
    return f"<h2>Settings, versions, hashes</h2><table><tbody>{''.join(rows)}</tbody></table>"


def _liveliest(picture: NDArray) -> tuple[int, int]:
    """The corner of the crop in which the picture varies most, of some that are evenly spread."""
    rows, columns = (np.unique(np.linspace(0, max(0, n - CROP), 6).astype(int)) for n in picture.shape[:2])
    return max(
        ((int(r), int(c)) for r in rows for c in columns),
        key=lambda at: float(np.std(picture[at[0] : at[0] + CROP : 2, at[1] : at[1] + CROP : 2])),
    )
