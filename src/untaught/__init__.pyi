"""The public names and their types; made by `python tests/stub.py --write`."""

from collections.abc import Callable
from os import PathLike
from typing import Any, Literal, ParamSpec, Protocol

from numpy.typing import ArrayLike, NDArray

from untaught.bench.metrics import lpips as lpips, psnr as psnr, ssim as ssim
from untaught.calibration.redrawn import uncertainty as uncertainty
from untaught.calibration.repeated import RepeatedRuns as RepeatedRuns
from untaught.classical import Estimator as Estimator
from untaught.classical.blended import Blended as Blended
from untaught.classical.blind_kernel.estimator import SeekKernel as SeekKernel
from untaught.classical.cross_validated import CrossValidated as CrossValidated
from untaught.classical.deblock import Deblock as Deblock
from untaught.classical.denoise.bands import Bands as Bands
from untaught.classical.denoise.blocks import BlockPass as BlockPass, Blocks as Blocks
from untaught.classical.denoise.camera import Camera as Camera
from untaught.classical.denoise.filter import Filter as Filter
from untaught.classical.denoise.lichi import LIChI as LIChI, LIChIGuide as LIChIGuide
from untaught.classical.denoise.local_mean import LocalMean as LocalMean
from untaught.classical.denoise.matching import Pass as Pass
from untaught.classical.denoise.nl_bayes import NonLocalBayes as NonLocalBayes
from untaught.classical.denoise.nl_ridge import NonLocalRidge as NonLocalRidge, Quick as Quick, Tiled as Tiled
from untaught.classical.denoise.nlm import NonLocalMeans as NonLocalMeans
from untaught.classical.denoise.plateaus import Plateaus as Plateaus
from untaught.classical.denoise.series import SeriesFilter as SeriesFilter, SeriesRidge as SeriesRidge
from untaught.classical.denoise.signals import Pieces as Pieces, Signals as Signals
from untaught.classical.denoise.splines import LocalSplines as LocalSplines
from untaught.classical.denoise.still import Steadied as Steadied
from untaught.classical.denoise.volumes import Volumes as Volumes
from untaught.classical.exemplar import Exemplar as Exemplar
from untaught.classical.fission import CrossChecked as CrossChecked
from untaught.classical.guided import GuidedFilter as GuidedFilter
from untaught.classical.inpaint import Fill as Fill, Harmonic as Harmonic, RidgeFill as RidgeFill
from untaught.classical.plug_and_play import LeveledPlugAndPlay as LeveledPlugAndPlay, PlugAndPlay as PlugAndPlay
from untaught.classical.recode import Recode as Recode, Wiener as Wiener
from untaught.classical.total_variation import TotalVariation as TotalVariation
from untaught.core.errors import UntaughtError as UntaughtError
from untaught.noise import Measured as Measured, NoiseModel as NoiseModel
from untaught.prior import Ensemble as Ensemble, Network as Network, Pixels as Pixels, Prior as Prior
from untaught.prior.codes import Code as Code, Diffusion as Diffusion, Fed as Fed, Feedback as Feedback, FourierFeatures as FourierFeatures, Grid as Grid, Noise as Noise, Picture as Picture, Start as Start
from untaught.prior.networks.compact import Compact as Compact
from untaught.prior.networks.decoder import Decoder as Decoder
from untaught.prior.networks.frozen import Frozen as Frozen
from untaught.prior.networks.hourglass import Hourglass as Hourglass
from untaught.prior.networks.plain import Plain as Plain
from untaught.prior.networks.resnet import ResNet as ResNet
from untaught.prior.networks.unet import UNet as UNet
from untaught.problem import Problem as Problem
from untaught.problem.likelihoods import ClippedGaussian as ClippedGaussian, Compressed as Compressed, Gaussian as Gaussian, Impulse as Impulse, Interval as Interval, Laplace as Laplace, Likelihood as Likelihood, Poisson as Poisson, PoissonGaussian as PoissonGaussian, Reward as Reward, Speckle as Speckle
from untaught.problem.operators import Compose as Compose, FromLinear as FromLinear, Identity as Identity, Operator as Operator, as_operator as as_operator
from untaught.problem.operators.blur import BlindBlur as BlindBlur, Blur as Blur, SoughtBlur as SoughtBlur, VaryingBlur as VaryingBlur
from untaught.problem.operators.external import External as External
from untaught.problem.operators.features import Enlarge as Enlarge, Features as Features, View as View
from untaught.problem.operators.fourier import Fourier as Fourier
from untaught.problem.operators.jpeg import BlockDCT as BlockDCT, Plane as Plane
from untaught.problem.operators.mosaic import Mosaic as Mosaic
from untaught.problem.operators.noncartesian import NonCartesian as NonCartesian
from untaught.problem.operators.phase import PhaseRetrieval as PhaseRetrieval
from untaught.problem.operators.radon import Radon as Radon
from untaught.problem.operators.resample import Downsample as Downsample
from untaught.problem.operators.sensing import CompressedSensing as CompressedSensing
from untaught.problem.operators.stack import Stack as Stack
from untaught.problem.regularisers import TV as TV, Norm as Norm, Regulariser as Regulariser, Smooth as Smooth, Sum as Sum
from untaught.reports import Report as Report, report as report
from untaught.solver.averaging import AtSteps as AtSteps, Average as Average, ExponentialPictures as ExponentialPictures, ExponentialWeights as ExponentialWeights, Last as Last, Moments as Moments
from untaught.solver.iterate import Iterate as Iterate, Verdict as Verdict
from untaught.solver.loop import Run as Run, solve as solve
from untaught.solver.objectives import Crops as Crops, Objective as Objective
from untaught.solver.objectives.autoencoded import Autoencoded as Autoencoded
from untaught.solver.objectives.bootstrap import Bootstrap as Bootstrap
from untaught.solver.objectives.fit import Fit as Fit
from untaught.solver.objectives.neighbours import Neighbours as Neighbours
from untaught.solver.objectives.pairs import Pairs as Pairs
from untaught.solver.objectives.recorrupt import Recorrupt as Recorrupt
from untaught.solver.objectives.refill import Refill as Refill
from untaught.solver.objectives.split import Split as Split
from untaught.solver.objectives.sure import Sure as Sure
from untaught.solver.objectives.views import Views as Views
from untaught.solver.optimisers import LBFGS as LBFGS, Adam as Adam, Langevin as Langevin, Optimiser as Optimiser
from untaught.solver.result import Result as Result
from untaught.solver.solution import Solution as Solution
from untaught.solver.stage import Estimate as Estimate, Job as Job, Method as Method, Solve as Solve, Stage as Stage
from untaught.solver.stopping import After as After, Auto as Auto, Discrepancy as Discrepancy, ExponentialVariance as ExponentialVariance, FirstOf as FirstOf, HoldOut as HoldOut, Plateau as Plateau, PseudoNoise as PseudoNoise, Rule as Rule, SelfReference as SelfReference, StuckChannel as StuckChannel, SureRisk as SureRisk, UnsureRisk as UnsureRisk, Validated as Validated, WindowedVariance as WindowedVariance
from untaught.solver.uncertainty import Uncertainty as Uncertainty

__version__: str
__all__ = [
    "__version__",
    "Adam",
    "After",
    "AtSteps",
    "Auto",
    "Autoencoded",
    "Average",
    "Bands",
    "Blended",
    "BlindBlur",
    "BlockDCT",
    "BlockPass",
    "Blocks",
    "Blur",
    "Bootstrap",
    "Camera",
    "ClippedGaussian",
    "Code",
    "Compact",
    "Compose",
    "Compressed",
    "CompressedSensing",
    "Crops",
    "CrossChecked",
    "CrossValidated",
    "Deblock",
    "Decoder",
    "Diffusion",
    "Discrepancy",
    "Downsample",
    "Enlarge",
    "Ensemble",
    "Estimate",
    "Estimator",
    "Exemplar",
    "ExponentialPictures",
    "ExponentialVariance",
    "ExponentialWeights",
    "External",
    "Features",
    "Fed",
    "Feedback",
    "Fill",
    "Filter",
    "FirstOf",
    "Fit",
    "Fourier",
    "FourierFeatures",
    "FromLinear",
    "Frozen",
    "Gaussian",
    "Grid",
    "GuidedFilter",
    "Harmonic",
    "HoldOut",
    "Hourglass",
    "Identity",
    "Impulse",
    "Interval",
    "Iterate",
    "Job",
    "LBFGS",
    "LIChI",
    "LIChIGuide",
    "Langevin",
    "Laplace",
    "Last",
    "LeveledPlugAndPlay",
    "Likelihood",
    "LocalMean",
    "LocalSplines",
    "Measured",
    "Method",
    "Moments",
    "Mosaic",
    "Neighbours",
    "Network",
    "Noise",
    "NoiseModel",
    "NonCartesian",
    "NonLocalBayes",
    "NonLocalMeans",
    "NonLocalRidge",
    "Norm",
    "Objective",
    "Operator",
    "Optimiser",
    "Pairs",
    "Pass",
    "PhaseRetrieval",
    "Picture",
    "Pieces",
    "Pixels",
    "Plain",
    "Plane",
    "Plateau",
    "Plateaus",
    "PlugAndPlay",
    "Poisson",
    "PoissonGaussian",
    "Prior",
    "Problem",
    "PseudoNoise",
    "Quick",
    "Radon",
    "Recode",
    "Recorrupt",
    "Refill",
    "Regulariser",
    "RepeatedRuns",
    "Report",
    "ResNet",
    "Result",
    "Reward",
    "RidgeFill",
    "Rule",
    "Run",
    "SeekKernel",
    "SelfReference",
    "SeriesFilter",
    "SeriesRidge",
    "Signals",
    "Smooth",
    "Solution",
    "Solve",
    "SoughtBlur",
    "Speckle",
    "Split",
    "Stack",
    "Stage",
    "Start",
    "Steadied",
    "StuckChannel",
    "Sum",
    "Sure",
    "SureRisk",
    "TV",
    "Tiled",
    "TotalVariation",
    "UNet",
    "Uncertainty",
    "UnsureRisk",
    "UntaughtError",
    "Validated",
    "VaryingBlur",
    "Verdict",
    "View",
    "Views",
    "Volumes",
    "Wiener",
    "WindowedVariance",
    "as_operator",
    "lpips",
    "psnr",
    "report",
    "solve",
    "ssim",
    "uncertainty",
    "activate",
    "deblur",
    "dejpeg",
    "denoise",
    "enhance",
    "flash",
    "inpaint",
    "preimage",
    "reconstruct",
    "upscale",
]

P = ParamSpec("P")

class _Task(Protocol[P]):
    """Called it gives an array; `job` is the job behind it, of which nothing is run yet."""

    def __call__(self, *args: P.args, **settings: P.kwargs) -> NDArray[Any]: ...
    def job(self, *args: P.args, **settings: P.kwargs) -> Job: ...

def _task(compose: Callable[P, Job]) -> _Task[P]: ...

@_task
def activate(
    *,
    model: str = 'efficientnet_lite0',
    layer: str | None = None,
    channel: int | None = None,
    neuron: str | None = None,
    window: int | None = None,
    class_: str | None = None,
    target: float | None = None,
    disc: bool = False,
    weights: Any = None,
    preset: Literal['fast', 'paper', 'tv', 'pixels'] = 'fast',
    steps: int | None = None,
    seed: int = 0,
    device: str = 'auto',
) -> Job:
    """Make the picture that a class, a channel or a neuron of a classifier likes best. There is no picture to start from."""

@_task
def deblur(
    picture: ArrayLike | PathLike[str],
    *,
    kernel: Any = None,
    blind: bool = False,
    size: str = 'auto',
    sigma: float | None = None,
    preset: Literal['instant', 'fast', 'balanced', 'best', 'paper'] = 'fast',
    keep_nan: bool = False,
    steps: int | None = None,
    stop: str = 'preset',
    network: str = 'preset',
    seed: int = 0,
    device: str = 'auto',
    axes: str = 'auto',
    channel_axis: int | Literal['auto'] | None = 'auto',
) -> Job:
    """Undo the blur of a lens or of a movement."""

@_task
def dejpeg(
    picture: ArrayLike | PathLike[str],
    *,
    preset: Literal['instant', 'fast', 'balanced', 'best', 'paper'] = 'fast',
    coefficients: bool = True,
    strength: float = 1.0,
    steps: int | None = None,
    stop: str = 'preset',
    network: str = 'preset',
    seed: int = 0,
    device: str = 'auto',
    axes: str = 'auto',
    channel_axis: int | Literal['auto'] | None = 'auto',
) -> Job:
    """Remove the blocks and ripples of JPEG compression."""

@_task
def denoise(
    picture: ArrayLike | PathLike[str],
    *,
    noise: Literal['auto', 'gaussian', 'poisson', 'poisson-gaussian', 'speckle', 'impulse'] = 'auto',
    sigma: float | None = None,
    gain: float | None = None,
    dark: float | None = None,
    read_noise: float | None = None,
    saturation: float | None = None,
    looks: float | None = None,
    preset: Literal['instant', 'fast', 'balanced', 'best', 'paper'] = 'fast',
    strength: float = 1.0,
    along: Literal['space', 'time'] = 'space',
    keep_nan: bool = False,
    steps: int | None = None,
    stop: str = 'preset',
    network: str = 'preset',
    seed: int = 0,
    device: str = 'auto',
    axes: str = 'auto',
    channel_axis: int | Literal['auto'] | None = 'auto',
) -> Job:
    """Remove noise from a picture."""

@_task
def enhance(
    picture: ArrayLike | PathLike[str],
    *,
    amount: float = 1.0,
    detail: Literal['fine', 'medium', 'coarse', 'all'] = 'all',
    colour: bool = False,
    preset: Literal['fast', 'paper'] = 'fast',
    steps: int | None = None,
    seed: int = 0,
    device: str = 'auto',
    axes: str = 'auto',
    channel_axis: int | Literal['auto'] | None = 'auto',
) -> Job:
    """Make the detail of a picture stronger, without halos along edges."""

@_task
def flash(
    picture: ArrayLike | PathLike[str],
    *,
    flash: ArrayLike | PathLike[str] | None = None,
    guide: ArrayLike | PathLike[str] | None = None,
    align: bool = True,
    preset: Literal['fast', 'best', 'paper'] = 'fast',
    strength: float = 1.0,
    steps: int | None = None,
    stop: str = 'preset',
    network: str = 'preset',
    seed: int = 0,
    device: str = 'auto',
    channel_axis: int | Literal['auto'] | None = 'auto',
) -> Job:
    """Clean a dark photo with the help of a sharp one of the same scene."""

@_task
def inpaint(
    picture: ArrayLike | PathLike[str],
    *,
    mask: ArrayLike | PathLike[str] | None = None,
    mask_keeps: bool = False,
    mask_colour: str | None = None,
    tolerance: float = 0.0,
    grow: int = 0,
    preset: Literal['instant', 'fast', 'balanced', 'best', 'paper'] = 'fast',
    recipe: Literal['auto', 'text', 'pixels', 'sparse', 'hole', 'region'] = 'auto',
    soft: bool = False,
    steps: int | None = None,
    stop: str = 'preset',
    network: str = 'preset',
    seed: int = 0,
    device: str = 'auto',
    axes: str = 'auto',
    channel_axis: int | Literal['auto'] | None = 'auto',
) -> Job:
    """Fill holes in a picture: text, scratches, dead pixels, whole objects."""

@_task
def preimage(
    picture: ArrayLike | PathLike[str],
    *,
    model: str = 'efficientnet_lite0',
    layer: str | None = None,
    weights: Any = None,
    preset: Literal['fast', 'paper', 'tv', 'pixels'] = 'fast',
    steps: int | None = None,
    seed: int = 0,
    device: str = 'auto',
) -> Job:
    """Find a picture that a layer of a classifier cannot tell from this one: what the layer knows, and what it has lost."""

@_task
def reconstruct(
    picture: ArrayLike | PathLike[str],
    *,
    operator: Any = None,
    shape: Any = None,
    sigma: float | None = None,
    gain: float | None = None,
    dark: float = 0.0,
    complex_image: bool = False,
    preset: Literal['instant', 'fast', 'balanced', 'best', 'paper'] = 'fast',
    steps: int | None = None,
    stop: str = 'preset',
    network: str = 'preset',
    seed: int = 0,
    device: str = 'auto',
) -> Job:
    """Reconstruct a picture from measurements: tomography, magnetic resonance, a blur, a mosaic, any matrix or function."""

@_task
def upscale(
    picture: ArrayLike | PathLike[str],
    *,
    factor: float = 4.0,
    kernel: Literal['auto', 'lanczos3', 'lanczos2', 'bicubic', 'box', 'gauss', 'gauss:0.6', 'gauss:0.7', 'gauss:0.8', 'gauss:0.9', 'gauss:1', 'gauss:1.2', 'gauss:1.5'] = 'auto',
    preset: Literal['fast', 'balanced', 'best', 'paper'] = 'fast',
    keep_nan: bool = False,
    steps: int | None = None,
    stop: str = 'preset',
    network: str = 'preset',
    seed: int = 0,
    device: str = 'auto',
    axes: str = 'auto',
    channel_axis: int | Literal['auto'] | None = 'auto',
) -> Job:
    """Enlarge a picture."""
