"""untaught: restore one picture with a network that was never taught anything.

    import untaught
    clean = untaught.denoise("noisy.jpg")            # an array; untaught.denoise.job(...) is the job behind it
    x = untaught.solve(untaught.Problem(y, operator=A, likelihood=untaught.Gaussian(0.03))).x

Names are loaded when they are first used: `import untaught` costs no torch, and nothing else that takes time.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "bench.metrics": ("lpips", "psnr", "ssim"),
    "calibration.redrawn": ("uncertainty",),
    "calibration.repeated": ("RepeatedRuns",),
    "classical": ("Estimator",),
    "classical.blended": ("Blended",),
    "classical.blind_kernel.estimator": ("SeekKernel",),
    "classical.cross_validated": ("CrossValidated",),
    "classical.deblock": ("Deblock",),
    "classical.denoise.bands": ("Bands",),
    "classical.denoise.blocks": ("BlockPass", "Blocks"),
    "classical.denoise.camera": ("Camera",),
    "classical.denoise.filter": ("Filter",),
    "classical.denoise.local_mean": ("LocalMean",),
    "classical.denoise.nl_bayes": ("NonLocalBayes",),
    "classical.denoise.lichi": ("LIChI", "LIChIGuide"),
    "classical.denoise.matching": ("Pass",),
    "classical.denoise.nl_ridge": ("NonLocalRidge", "Quick", "Tiled"),
    "classical.denoise.plateaus": ("Plateaus",),
    "classical.denoise.series": ("SeriesFilter", "SeriesRidge"),
    "classical.denoise.signals": ("Pieces", "Signals"),
    "classical.denoise.splines": ("LocalSplines",),
    "classical.denoise.still": ("Steadied",),
    "classical.denoise.nlm": ("NonLocalMeans",),
    "classical.denoise.volumes": ("Volumes",),
    "classical.exemplar": ("Exemplar",),
    "classical.fission": ("CrossChecked",),
    "classical.guided": ("GuidedFilter",),
    "classical.inpaint": ("Fill", "Harmonic", "RidgeFill"),
    "classical.plug_and_play": ("LeveledPlugAndPlay", "PlugAndPlay"),
    "classical.recode": ("Recode", "Wiener"),
    "classical.total_variation": ("TotalVariation",),
    "core.errors": ("UntaughtError",),
    "noise": ("Measured", "NoiseModel"),
    "prior": ("Ensemble", "Network", "Pixels", "Prior"),
    "prior.codes": ("Code", "Diffusion", "Fed", "Feedback", "FourierFeatures", "Grid", "Noise", "Picture", "Start"),
    "prior.networks.compact": ("Compact",),
    "prior.networks.decoder": ("Decoder",),
    "prior.networks.frozen": ("Frozen",),
    "prior.networks.hourglass": ("Hourglass",),
    "prior.networks.plain": ("Plain",),
    "prior.networks.resnet": ("ResNet",),
    "prior.networks.unet": ("UNet",),
    "problem": ("Problem",),
    "problem.likelihoods": (
        "ClippedGaussian",
        "Compressed",
        "Gaussian",
        "Impulse",
        "Interval",
        "Laplace",
        "Likelihood",
        "Poisson",
        "PoissonGaussian",
        "Reward",
        "Speckle",
    ),
    "problem.operators": ("Compose", "FromLinear", "Identity", "Operator", "as_operator"),
    "problem.operators.blur": ("BlindBlur", "Blur", "SoughtBlur", "VaryingBlur"),
    "problem.operators.jpeg": ("BlockDCT", "Plane"),
    "problem.operators.external": ("External",),
    "problem.operators.features": ("Enlarge", "Features", "View"),
    "problem.operators.fourier": ("Fourier",),
    "problem.operators.mosaic": ("Mosaic",),
    "problem.operators.noncartesian": ("NonCartesian",),
    "problem.operators.phase": ("PhaseRetrieval",),
    "problem.operators.radon": ("Radon",),
    "problem.operators.resample": ("Downsample",),
    "problem.operators.sensing": ("CompressedSensing",),
    "problem.operators.stack": ("Stack",),
    "problem.regularisers": ("TV", "Norm", "Regulariser", "Smooth", "Sum"),
    "reports": ("Report", "report"),
    "solver.averaging": ("AtSteps", "Average", "ExponentialPictures", "ExponentialWeights", "Last", "Moments"),
    "solver.objectives": ("Crops", "Objective"),
    "solver.objectives.autoencoded": ("Autoencoded",),
    "solver.objectives.bootstrap": ("Bootstrap",),
    "solver.objectives.fit": ("Fit",),
    "solver.objectives.neighbours": ("Neighbours",),
    "solver.objectives.pairs": ("Pairs",),
    "solver.objectives.recorrupt": ("Recorrupt",),
    "solver.objectives.refill": ("Refill",),
    "solver.objectives.split": ("Split",),
    "solver.objectives.sure": ("Sure",),
    "solver.iterate": ("Iterate", "Verdict"),
    "solver.objectives.views": ("Views",),
    "solver.optimisers": ("LBFGS", "Adam", "Langevin", "Optimiser"),
    "solver.result": ("Result",),
    "solver.loop": ("Run", "solve"),
    "solver.solution": ("Solution",),
    "solver.stage": ("Estimate", "Job", "Method", "Solve", "Stage"),
    "solver.stopping": (
        "After",
        "Auto",
        "Discrepancy",
        "ExponentialVariance",
        "FirstOf",
        "HoldOut",
        "Plateau",
        "PseudoNoise",
        "Rule",
        "SelfReference",
        "StuckChannel",
        "SureRisk",
        "UnsureRisk",
        "Validated",
        "WindowedVariance",
    ),
    "solver.uncertainty": ("Uncertainty",),
}
_WHERE = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _WHERE:
        return getattr(import_module(f"untaught.{_WHERE[name]}"), name)
    from untaught.core.registry import tasks

    if name == "__all__":
        return __dir__()
    if not name.startswith("_") and name in tasks.names():
        return tasks.get(name)
    raise AttributeError(f"module 'untaught' has no attribute '{name}'")


def __dir__() -> list[str]:
    from untaught.core.registry import tasks

    return ["__version__", *sorted(_WHERE), *tasks.names()]
