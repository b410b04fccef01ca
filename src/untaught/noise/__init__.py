"""What the noise of a picture is, measured on the picture alone.

`spectrum`: how strong it is. `neighbours`: what they share of it, and what of that is texture. `curve`: how it grows with
brightness; `laws`: by which law. `foretold`, `anderson`: what of that is picture after all.
`beside`: what it is by another picture of the same scene. `impulses`, `hot`: which values are
worthless. `kinds`: the kind, and the likelihood that follows. `Measured`: that of noise as it was found, where no law is known.
"""

from untaught.noise.beside import noise_beside
from untaught.noise.curve import Law, curve, fit
from untaught.noise.hot import find_hot, mended
from untaught.noise.impulses import Impulses, without
from untaught.noise.kinds import measure
from untaught.noise.laws import Found, Kind, Scale
from untaught.noise.likelihood import Measured
from untaught.noise.spectrum import NoiseModel, estimate_noise

__all__ = [
    "Found",
    "Impulses",
    "Kind",
    "Law",
    "Measured",
    "NoiseModel",
    "Scale",
    "curve",
    "estimate_noise",
    "find_hot",
    "fit",
    "measure",
    "mended",
    "noise_beside",
    "without",
]
