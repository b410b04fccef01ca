"""untaught: restore one picture with a network that was never taught anything.

    import untaught
    clean = untaught.denoise("noisy.jpg")            # an array; untaught.denoise.job(...) is the job behind it
    x = untaught.solve(untaught.Problem(y, operator=A, likelihood=untaught.Gaussian(0.03))).x

Names are loaded when they are first used: `import untaught` costs no torch.
"""

from __future__ import annotations

import importlib
from typing import Any

from untaught.core import registry
from untaught.core.errors import UntaughtError

__version__ = "0.1.0"

_HOMES = {
    "solver.averaging": ("ExponentialPictures", "ExponentialWeights", "Last", "Moments"),
    "prior.codes": ("Fourier", "Grid", "Noise", "Picture", "Start"),
    "problem.likelihoods": (
        "Gaussian",
        "Impulse",
        "Laplace",
        "Likelihood",
        "Poisson",
        "PoissonGaussian",
        "Reward",
        "Speckle",
    ),
    "bench.metrics": ("coverage", "interval_score", "lpips", "psnr", "rank_correlation", "ssim"),
    "prior.networks.decoder": ("Decoder",),
    "prior.networks.hourglass": ("Hourglass",),
    "prior.networks.resnet": ("ResNet",),
    "prior.networks.unet": ("UNet",),
    "solver.objectives.fit": ("Fit",),
    "solver.objectives.recorrupt": ("Recorrupt",),
    "solver.objectives.split": ("Split",),
    "solver.objectives.sure": ("Sure",),
    "problem.operators": ("FromLinear", "Identity", "Operator"),
    "problem.operators.features": ("Features", "View"),
    "solver.optimisers": ("LBFGS", "Adam", "Langevin"),
    "prior": ("Ensemble", "Network", "Pixels"),
    "problem": ("Problem",),
    "problem.regularisers": ("TV", "Norm", "Smooth"),
    "reports": ("Report", "report"),
    "solver.iterate": ("Iterate", "Verdict"),
    "solver.run": ("Run", "solve"),
    "solver.solution": ("Solution",),
    "solver.stage": ("Estimate", "Job", "Method", "Solve", "Stage"),
    "solver.uncertainty": ("Uncertainty",),
    "classical.blind_kernel.seek": ("SeekKernel",),
    "classical.deblock": ("Deblock",),
    "classical.denoise.filter": ("Filter",),
    "classical.denoise.nl_ridge": ("NonLocalRidge",),
    "classical.denoise.nlm": ("NonLocalMeans",),
    "classical.inpaint": ("Fill",),
    "classical.plug_and_play": ("PlugAndPlay",),
    "calibration.series": ("Series", "uncertainty"),
    "solver.stopping": (
        "After",
        "Auto",
        "Discrepancy",
        "ExponentialVariance",
        "HoldOut",
        "Plateau",
        "PseudoNoise",
        "Rule",
        "SelfReference",
        "SureRisk",
        "UnsureRisk",
        "WindowedVariance",
    ),
}
_WHERE = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["UntaughtError", "__version__", *sorted(_WHERE), *registry.tasks.names()]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"untaught.{_WHERE[name]}"), name)
    if not name.startswith("_") and name in registry.tasks.names():
        return registry.tasks.get(name)
    raise AttributeError(f"module 'untaught' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
