"""The frozen jobs: what is asked of the project, by name.

A job takes an empty folder and returns the parts of what came out: arrays, texts, bytes of files. Jobs in `SLOW` take seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import frozen_adapter as ask
import numpy as np
import torch
from frozen_adapter import Parts
from frozen_pictures import holes, jpeg, kept, noisy, scene, softened, tiny, worn

import untaught

Job = Callable[[Path], Parts]
JOBS: dict[str, Job] = {}
SLOW: set[str] = set()
NEEDS: dict[str, str] = {}  # the package that a job needs beside those of the project


def job(name: str, *, slow: bool = False, needs: str = "") -> Callable[[Job], Job]:
    def add(one: Job) -> Job:
        assert name not in JOBS, name
        JOBS[name] = one
        if slow:
            SLOW.add(name)
        if needs:
            NEEDS[name] = needs
        return one

    return add


def restoring(name: str, task: str, picture: Callable[[], Any] | None, *, slow: bool = False, **settings: Any) -> None:
    """A job that is a task with settings; those that are functions are called when it begins."""

    def one(folder: Path) -> Parts:
        given = {k: v() if callable(v) else v for k, v in settings.items()}
        return ask.restored(task, picture() if picture else None, **given)

    job(name, slow=slow)(one)


# Every task and every preset of it, with the first steps of each stage.

for _p in ask.presets("denoise"):
    restoring(f"denoise {_p}", "denoise", noisy, preset=_p, sigma=0.1)
for _p in ask.presets("inpaint"):
    for _kind in ("pixels", "hole"):
        _slow = _p == "best" and _kind == "hole"
        restoring(f"inpaint {_p} {_kind}", "inpaint", partial(kept, scene((24, 26))), mask=partial(holes, _kind), preset=_p,
                  slow=_slow)  # fmt: skip
for _kind in ("text", "sparse", "region"):
    for _p in ("fast", "best", "paper"):
        restoring(
            f"inpaint {_p} {_kind}",
            "inpaint",
            partial(kept, scene((24, 26))),
            mask=partial(holes, _kind),
            preset=_p,
            recipe=_kind,
            slow=_p == "best",
        )
for _p in ask.presets("upscale"):
    restoring(f"upscale {_p}", "upscale", partial(kept, scene((16, 18))), preset=_p, factor=2.0)
for _p in ask.presets("deblur"):
    restoring(f"deblur {_p}", "deblur", softened, preset=_p, kernel="gauss:1.2", slow=_p == "best")
    restoring(f"deblur {_p} blind", "deblur", partial(softened, (32, 36)), preset=_p, blind=True, size="7",
              slow=_p in ("balanced", "best"))  # fmt: skip
for _p in ask.presets("flash"):
    restoring(f"flash {_p}", "flash", noisy, preset=_p, flash=partial(kept, scene()))
for _p in ask.presets("enhance"):
    restoring(f"enhance {_p}", "enhance", partial(kept, scene()), preset=_p)
for _p in ask.presets("preimage"):
    restoring(f"preimage {_p}", "preimage", partial(kept, scene((32, 32))), preset=_p, model=tiny, layer="features.0")
for _p in ask.presets("activate"):
    restoring(f"activate {_p}", "activate", None, preset=_p, model=tiny, layer="features", channel=2)


def _dejpeg(preset: str, channels: int, folder: Path, **settings: Any) -> Parts:
    return ask.restored("dejpeg", jpeg(folder / "in.jpg", channels), preset=preset, **settings)


for _p in ask.presets("dejpeg"):
    job(f"dejpeg {_p}", needs="jpeglib")(partial(_dejpeg, _p, 3))
job("dejpeg fast grey", needs="jpeglib")(partial(_dejpeg, "fast", 1))
job("dejpeg fast of pixels")(partial(_dejpeg, "fast", 3, coefficients=False))

# What pictures are: depth, colour, volumes, signals, noise of every kind.

for _d in ("uint16", "float32"):
    restoring(f"denoise {_d}", "denoise", partial(noisy, dtype=_d), sigma=0.1, steps=3)
    restoring(f"upscale {_d}", "upscale", partial(kept, scene((16, 18), 1), _d), steps=3, factor=1.5, kernel="bicubic")
restoring("denoise grey, its noise measured", "denoise", partial(noisy, channels=1, space=(40, 44)), steps=3)
restoring("denoise half", "denoise", noisy, sigma=0.1, steps=3, strength=0.5)
restoring("denoise volume", "denoise", partial(noisy, (10, 12, 14), 1), sigma=0.1, steps=3, channel_axis=None)
restoring("denoise volume instant", "denoise", partial(noisy, (10, 12, 14), 1), preset="instant", channel_axis=None)
restoring("denoise bands", "denoise", partial(noisy, (12, 14), 8), preset="instant", channel_axis=-1)
restoring("denoise signal", "denoise", partial(noisy, (96,), 1, "float32"), sigma=0.1, steps=3, channel_axis=None)
restoring("denoise channels first", "denoise", lambda: np.moveaxis(noisy(), -1, 0), sigma=0.1, steps=3, channel_axis=0)
restoring("denoise copies", "denoise", lambda: np.repeat(noisy(channels=1)[..., None], 3, -1), steps=3)
restoring("inpaint volume", "inpaint", partial(kept, scene((8, 12, 14), 1)), mask=partial(holes, "pixels", (8, 12, 14)),
          steps=3, channel_axis=None)  # fmt: skip
restoring("inpaint soft", "inpaint", partial(noisy, (24, 26)), mask=partial(holes, "hole"), steps=3, soft=True)
for _kind in ("poisson", "poisson-gaussian", "speckle", "impulse"):
    restoring(f"denoise {_kind}", "denoise", partial(worn, _kind), noise=_kind, steps=3)
for _kind in ("poisson", "impulse", "coloured", "shared"):
    for _p in ("fast", "best"):
        restoring(f"denoise {_p}, {_kind} found", "denoise", partial(worn, _kind, (40, 44), 3), preset=_p, steps=3,
                  slow=_kind == "impulse")  # fmt: skip
for _kernel in ("lanczos3", "lanczos2", "box", "gauss"):
    restoring(f"upscale {_kernel}", "upscale", partial(kept, scene((16, 18), 1)), kernel=_kernel, factor=4.0, steps=2)
for _kernel in ("motion:5,30", "disk:1.5"):
    restoring(f"deblur {_kernel}", "deblur", partial(softened, channels=3), kernel=_kernel)
for _detail in ("fine", "medium", "coarse"):
    restoring(f"enhance {_detail}", "enhance", partial(kept, scene()), detail=_detail, colour=_detail == "fine")
restoring("flash with a grey guide", "flash", noisy, guide=partial(kept, scene(channels=1)), align=False, steps=3)
restoring("activate class", "activate", None, model=tiny, class_="3", disc=True, steps=3)
restoring("denoise paper, stopped by itself", "denoise", noisy, preset="paper", stop="auto", sigma=0.1, steps=12)
restoring("inpaint paper, stopped by itself", "inpaint", partial(noisy, (24, 26)), mask=partial(holes, "hole"), stop="auto",
          preset="paper", steps=12)  # fmt: skip
restoring("denoise large", "denoise", partial(noisy, (776, 780), 3), sigma=0.1, steps=3, slow=True)
restoring("denoise large grey", "denoise", partial(noisy, (776, 780), 1), sigma=0.1, steps=3, slow=True)
restoring("denoise fast to its end", "denoise", noisy, sigma=0.1, full=True, slow=True)

# Runs that are interrupted, repeated, asked how far they may be off, and judged.

job("resumed denoise")(lambda folder: ask.resumed("denoise", noisy(), at=(2, 5), sigma=0.1, steps=7))
job("resumed denoise best")(lambda folder: ask.resumed("denoise", noisy(), at=(3, 5), sigma=0.1, preset="best"))
job("resumed upscale")(lambda folder: ask.resumed("upscale", kept(scene((16, 18))), at=(2,), factor=2.0, steps=5))
job("resumed inpaint paper")(
    lambda folder: ask.resumed("inpaint", kept(scene((24, 26))), at=(2,), mask=holes("hole"), preset="paper", steps=4)
)
job("repeated denoise")(lambda folder: ask.repeated("denoise", noisy(), repeat=3, sigma=0.1, steps=3))
job("repeated flash")(lambda folder: ask.repeated("flash", noisy(), repeat=2, flash=kept(scene()), steps=3))
job("uncertain denoise")(lambda folder: ask.repeated("denoise", noisy((16, 20)), uncertain=True, sigma=0.1, steps=4))
job("uncertain denoise repeated")(
    lambda folder: ask.repeated("denoise", noisy((16, 20), 1), uncertain=True, repeat=2, sigma=0.1, steps=4)
)
job("uncertain denoise paper", slow=True)(
    lambda folder: ask.repeated("denoise", noisy(), uncertain=True, sigma=0.1, steps=6, preset="paper")
)
job("uncertain inpaint")(
    lambda folder: ask.repeated("inpaint", noisy((16, 20)), uncertain=True, mask=holes("pixels", (16, 20)), steps=4)
)
job("uncertain inpaint network")(
    lambda folder: ask.repeated(
        "inpaint", noisy(), uncertain=True, mask=holes("region", (24, 28)), recipe="sparse", steps=4
    )
)
job("uncertain denoise instant")(
    lambda folder: ask.repeated("denoise", noisy((20, 24)), uncertain=True, sigma=0.1, preset="instant")
)
job("uncertain denoise counts")(
    lambda folder: ask.repeated(
        "denoise", noisy((20, 24), 1), uncertain=True, noise="poisson", gain=60.0, preset="instant"
    )
)
job("uncertain deblur")(
    lambda folder: ask.repeated("deblur", softened((24, 28)), uncertain=True, kernel="gauss:1.2", preset="instant")
)
job("uncertain reconstruct")(
    lambda folder: ask.repeated(
        "reconstruct", noisy((20, 24), 1) / 255.0, uncertain=True, operator="identity", sigma=0.1, preset="instant"
    )
)
job("judged denoise")(lambda folder: ask.judged("denoise", noisy((40, 44)), sigma=0.1, steps=5))
job("judged instant")(lambda folder: ask.judged("denoise", noisy((40, 44), 1), preset="instant"))
job("judged inpaint")(lambda folder: ask.judged("inpaint", noisy((40, 44)), mask=holes("hole", (40, 44)), steps=5))
job("judged deblur")(lambda folder: ask.judged("deblur", softened((40, 44)), kernel="gauss:1.2"))


@job("engine")
def _engine(folder: Path) -> Parts:
    """The engine with an operator of the user's own, a regulariser, and the default method's parts."""
    truth = torch.zeros(1, 1, 16, 20)
    truth[..., 4:12, 6:14] = 1
    y = untaught.Problem(truth).data + 0.03 * ask.drawn(1, 1, 16, 20)
    blur = torch.nn.AvgPool2d((1, 5), 1, (0, 2))
    problem = untaught.Problem(y, operator=blur, likelihood=untaught.Gaussian(0.03), regulariser=1e-3 * untaught.TV())
    net = untaught.Network(untaught.Hourglass(down=(8, 8)), untaught.Noise(4))
    priors = {"network": net, "pixels": untaught.Pixels(), "ensemble": untaught.Ensemble(net, 2)}
    found = {}
    for name, prior in priors.items():
        for optimiser in (untaught.Adam(0.01), untaught.LBFGS(), untaught.Langevin(0.01, 1e-4, after=2)):
            plan = untaught.Method(prior, optimiser=optimiser, stop=untaught.After(4))
            try:
                found[f"{name} {type(optimiser).__name__}"] = untaught.solve(problem, plan).x.numpy()
            except untaught.UntaughtError as error:
                found[f"{name} {type(optimiser).__name__}"] = str(error)
    return found


# The command line: what it writes, says, and refuses.


def _commands(folder: Path, *commands: tuple[Any, ...]) -> Parts:
    """What each command says, and every file that is there in the end."""
    found: Parts = {}
    for i, words in enumerate(commands):
        code, out, errors = ask.commanded(*words, into=folder)
        found[f"{i} said"] = f"exit {code}\n{out}{errors}".replace(str(folder), "FOLDER")
    for file in sorted(folder.iterdir()):
        if file.suffix in (".toml", ".json", ".html"):
            found[file.name] = ask.text(file)
        else:
            found[file.name] = file.read_bytes()
            found[f"{file.name} pixels"] = ask.opened(file)
    return found


FORMATS = {"png": "uint8", "tif": "uint16", "npy": "float32", "webp": "uint8", "jpg": "uint8"}


def _format(kind: str, folder: Path) -> Parts:
    ask.written(folder / f"in.{kind}", noisy(dtype=FORMATS[kind]))
    words = ("denoise", f"in.{kind}", "--sigma", "25/255", "--steps", 3, "-q")
    return _commands(folder, words)


for _kind in FORMATS:
    job(f"command denoise {_kind}")(partial(_format, _kind))


@job("command run again")
def _again(folder: Path) -> Parts:
    """A result's recipe repeats it, and gives the same bytes."""
    ask.written(folder / "in.png", noisy())
    first = ("denoise", "in.png", "--sigma", "0.1", "--steps", 3, "-o", "one.png", "-q")
    found = _commands(folder, first, ("run", "one.png", "-o", "two.png", "-q"))
    assert found["one.png"] == found["two.png"]
    return found


@job("command inpaint with a mask")
def _mask(folder: Path) -> Parts:
    ask.written(folder / "in.png", kept(scene((24, 26))))
    ask.written(folder / "mask.png", kept(holes("hole")[..., None].astype(float)))
    words = ("inpaint", "in.png", "--mask", "mask.png", "--steps", 3, "--report", "report.json", "-q")
    return _commands(folder, words)


@job("command uncertainty")
def _uncertainty(folder: Path) -> Parts:
    ask.written(folder / "in.png", noisy((16, 20)))
    words = ("denoise", "in.png", "--sigma", "0.1", "--steps", 3, "--uncertainty", "map.tif", "--report", "page.html")
    return _commands(folder, (*words, "-q"))


@job("command mask")
def _propose(folder: Path) -> Parts:
    ask.written(folder / "in.png", worn("impulse", (40, 44)))
    return _commands(folder, ("mask", "in.png", "-o", "mask.png", "-q"))


@job("command refusals")
def _refusals(folder: Path) -> Parts:
    ask.written(folder / "in.png", noisy())
    return _commands(
        folder,
        ("denoise", "no.png"),
        ("denoise", "in.png", "--preset", "fst"),
        ("denoise", "in.png", "--sigma", "-1"),
        ("denoise", "in.png", "--sigma", "much"),
        ("denoise", "in.png", "-o", "in.png"),
        ("denoise", "in.png", "--preset", "instant", "--stop", "auto"),
        ("inpaint", "in.png"),
        ("upscale", "in.png", "--factor", "0.5"),
        ("deblur", "in.png"),
        ("flash", "in.png"),
        ("denoise", "in.png", "--report", "report.txt"),
        ("denoise", "in.png", "--uncertainty", "map.jpg"),
        ("run", "in.png"),
        ("resume", "nothing.run"),
    )


# The studio, without its page.


@job("studio forms", needs="fastapi")
def _forms(folder: Path) -> Parts:
    return ask.forms()


def _studio(task: str, picture: Callable[[], np.ndarray], folder: Path, asking: bool = False, **settings: Any) -> Parts:
    path = ask.written(folder / "photo.png", picture())
    (folder / "job").mkdir()
    return ask.studied(task, path, settings, folder / "job", asking=asking)


job("studio denoise", needs="fastapi")(partial(_studio, "denoise", noisy, sigma=0.1, steps=3))
job("studio instant", needs="fastapi")(partial(_studio, "denoise", noisy, preset="instant"))
job("studio upscale", needs="fastapi")(partial(_studio, "upscale", lambda: kept(scene((16, 18))), factor=2.0, steps=3))
job("studio unsure", needs="fastapi")(partial(_studio, "denoise", noisy, asking=True, sigma=0.1, steps=4))
job("studio enhance", needs="fastapi")(partial(_studio, "enhance", lambda: kept(scene()), steps=3))


# The parts of the formula.

for _name, _one in ask.parts().items():
    job(_name)(lambda folder, one=_one: one())

# Siblings of these are quick, and every one of them takes a second or more.
SLOW |= {
    "deblur balanced",
    "deblur fast blind",
    "dejpeg best",
    "denoise best, poisson found",
    "denoise impulse",
    "denoise paper, stopped by itself",
    "inpaint balanced hole",
    "inpaint best pixels",
    "inpaint fast text",
    "inpaint paper text",
    "inpaint paper hole",
    "inpaint paper, stopped by itself",
    "inpaint soft",
    "resumed denoise best",
    "resumed inpaint paper",
    "uncertain denoise repeated",
    "uncertain inpaint network",
    "uncertain reconstruct",
}
assert set(JOBS) >= SLOW
