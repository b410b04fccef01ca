"""What the page calls things: tasks and settings in the words of a person who restores pictures and writes no programs.

What has no words here goes by its own name and its docstring, so that a new task appears by existing.
"""

from __future__ import annotations

WRONG = {
    "denoise": "Grain",
    "inpaint": "Holes or scratches",
    "upscale": "Too small",
    "dejpeg": "JPEG blocks",
    "deblur": "Blurred",
    "flash": "Dark photo + flash photo",
    "enhance": "Little detail",
    "preimage": "What a network keeps",
    "activate": "What a network likes",
}
"""What is wrong, by task."""
DOING = {
    "denoise": "Removing grain",
    "inpaint": "Filling the holes",
    "upscale": "Making it larger",
    "dejpeg": "Undoing JPEG blocks",
    "deblur": "Sharpening what is blurred",
    "flash": "Cleaning with the second photo",
    "enhance": "Bringing out detail",
}
LATE = {"preimage", "activate"}  # for the curious, after those that restore
BEGIN: dict[str, dict[str, object]] = {"deblur": {"blind": True}}
"""Settings that a page begins with, so that one button always gives a picture."""

TITLES = {
    "noise": "Kind of grain",
    "sigma": "Strength of the grain",
    "gain": "Light that makes white",
    "looks": "Evenness of flat parts",
    "preset": "How thorough",
    "keep_nan": "Keep what is unknown",
    "device": "Where it is computed",
    "seed": "Which try",
    "strength": "How much of it",
    "steps": "Steps",
    "stop": "When it ends",
    "network": "The network that is fitted",
    "mask_keeps": "White is what stays",
    "mask_colour": "Colour to be filled as well",
    "tolerance": "How near to that colour",
    "grow": "How much wider than marked",
    "recipe": "Kind of holes",
    "soft": "Redraw what is known, too",
    "factor": "How many times larger",
    "upscale.kernel": "How it was made smaller",
    "deblur.kernel": "The blur",
    "coefficients": "Read what the JPEG itself holds",
    "blind": "The blur is not known",
    "size": "The largest blur there may be",
    "align": "Move the second photo into place",
    "flash.flash": "Second photo of the same scene",
    "flash.guide": "Or another picture of the same view",
    "amount": "How much stronger",
    "detail": "What counts as detail",
    "colour": "Colours, too",
}
"""Of a setting; a task's own as "task.setting"."""
ABOUT = {
    "sigma": "How far it strays, in grey levels of 255 (its standard deviation). Left empty, it is measured, together with whether "
    "neighbouring pixels share it.",
    "gain": "How many counts of light make full white. Left empty, it is estimated.",
    "looks": "(mean / deviation)² of a flat part: the larger, the less speckle there is. Left empty, it is estimated.",
    "strength": "0 leaves the picture as it is, 1 takes the restored one, between them is a blend.",
    "preset": "How much time it may take.",
    "steps": "Left empty: as many as the method takes by itself.",
    "enhance.steps": "Left empty: as many as suit the detail that was chosen.",
    "seed": "Another number starts the network differently and gives another picture; the same number gives the same one again.",
    "device": "auto takes a graphics card where there is one.",
    "coefficients": "They say more than its pixels; without them, only the pixels are taken.",
    "align": "By the shift found between both, to a fraction of a pixel; otherwise it is taken as it lies.",
    "size": "Height x width, in pixels.",
    "flash.flash": "With flash: its shapes are used, its light and colours are not.",
}
"""What is said of a setting, where its docstring speaks to programmers."""
CHOICES = {
    "preset": {
        "instant": ("instant", "a classic filter, without a network"),
        "fast": ("fast", "a good picture soon"),
        "balanced": ("balanced", "a better one, for more patience"),
        "best": ("best", "the best one, for the most patience"),
        "paper": ("paper", "exactly as the Deep Image Prior was published"),
        "tv": ("smooth", "without a network, with total variation"),
        "pixels": ("pixels", "without a network, and with nothing"),
    },
    "noise": {
        "auto": ("measured", "as the picture itself shows it"),
        "gaussian": ("even", "the same in bright and dark parts, as in most photos, or as measured"),
        "poisson": ("counted light", "stronger where it is brighter, as where single photons are counted"),
        "poisson-gaussian": (
            "counted light, read with noise",
            "stronger where it is brighter, and the camera's own besides",
        ),
        "speckle": ("speckle", "in proportion to the brightness, as in radar and ultrasound"),
        "impulse": ("single wrong values", "salt and pepper, dead pixels; the other values are kept"),
    },
    "recipe": {
        "auto": ("by the holes", "as the holes themselves ask for"),
        "text": ("thin ones", "scratches, cracks, writing"),
        "pixels": ("many single pixels", "spread all over"),
        "sparse": ("little is known", "far more is missing than is there"),
        "hole": ("a wide one", "something in one place is gone"),
        "region": ("wide ones", "something is gone in many places"),
    },
    "detail": {
        "fine": ("fine", "texture alone"),
        "medium": ("medium", "small shapes, too"),
        "coarse": ("coarse", "larger shapes, too"),
        "all": ("all", "the mean of the three"),
    },
}
"""(label, meaning) of choices whose names say little."""
ONLY: dict[str, dict[str, list[object]]] = {
    "sigma": {"noise": ["auto", "gaussian", "poisson-gaussian", "impulse"]},
    "gain": {"noise": ["poisson", "poisson-gaussian"]},
    "looks": {"noise": ["speckle"]},
    "size": {"blind": [True]},
    "blind": {"kernel": [None]},
}
"""Settings that mean something only while another one, if the task has it, is one of these."""
FOUND = {
    "blocks": "JPEG blocks: it was saved at a quality of about {quality} of 100",
    "faint": "faint grain: about {level} of 255",
    "some": "some grain: about {level} of 255",
    "strong": "strong grain: about {level} of 255",
    "faint blotchy": "faint blotchy grain, as cameras leave it in a JPEG: about {level} of 255",
    "some blotchy": "some blotchy grain, as cameras leave it in a JPEG: about {level} of 255",
    "strong blotchy": "strong blotchy grain, as cameras leave it in a JPEG: about {level} of 255",
    "dark": "the grain is stronger in the shadows",
    "bright": "the grain is stronger in the bright parts",
    "colour": "much of the grain is in the colours",
    "iso": "it was taken at ISO {iso}: look for grain at 100 %",
    "holes": "holes: {count} values are missing",
    "small": "it is small, {width} x {height} pixels",
}
"""What is said of a picture that was measured."""


def of(table: dict[str, str], task: str, setting: str) -> str | None:
    return table.get(f"{task}.{setting}") or table.get(setting)
