"""Find the picture behind any measurements: y = A x + noise, A whatever measures it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from untaught.core.types import Data, Device, File, Gt, Net, Seed, Steps, Stop
from untaught.tasks import task

if TYPE_CHECKING:
    from untaught.solver.stage import Job


@task
def reconstruct(
    data: Data,
    *,
    operator: File = None,
    shape: File = None,
    sigma: Annotated[float | None, Gt(0)] = None,
    gain: Annotated[float | None, Gt(0)] = None,
    dark: float = 0.0,
    complex_image: bool = False,
    preset: Literal["instant", "fast", "balanced", "best", "paper"] = "fast",
    steps: Steps = None,
    stop: Stop = "preset",
    network: Net = "preset",
    seed: Seed = 0,
    device: Device = "auto",
) -> Job:
    """Reconstruct a picture from measurements: tomography, magnetic resonance, a blur, a mosaic, any matrix or function.

    Parameters
    ----------
    data
        The measurements: an array, real or complex, or a file (.npy, .npz, .mat, .h5, .csv, pictures; FILE:NAME for one array
        of several). NaN and masked values are unknown.
    operator
        What measured them: radon:angles=theta.npy,center=296 (axis=row/column, pitch, fan=source/detector);
        fourier:mask=mask.npy,maps=auto (real=yes, centered=no); noncartesian:trajectory=k.npy,maps=maps.npy (real=yes);
        blur:psf.tif; mosaic:rggb; downsample:2; sensing:seed=0; matrix:A.npz; identity; or module:mine.py:MyOperator, whose code
        is run. In Python also an operator, a module, a matrix, one of SciPy's or PyLops'.
    shape
        The picture's shape, HEIGHTxWIDTH, where the operator does not tell it.
    sigma
        Standard deviation of the noise in the units of the data; with gain, that of reading them out. Where it is not given, the
        noise is found by measurements that are held out.
    gain
        The data are counted light, and so many counts (photons, electrons, decays) are one unit of them; 1 where they are the
        counts themselves.
    dark
        The value of the data where there is no light (a camera's offset): it is taken from them before.
    complex_image
        The picture is complex (matrices and functions; fourier says real=yes or not by itself). Its magnitude is returned.
    preset
        instant: total variation. fast: a classic denoiser in turn with the data (plug and play). balanced: the same, and a share
        of a network beside it. best: the same with more rounds, for longer. paper: the Deep Image Prior.
    """
    import numpy as np

    from untaught.core.errors import BadInput
    from untaught.io.results import Layout
    from untaught.problem import Problem
    from untaught.problem.likelihoods import Gaussian, Likelihood, Poisson, PoissonGaussian
    from untaught.solver.result import Scaled
    from untaught.tasks._presets import Facts
    from untaught.tasks.reconstruct import scale as scales
    from untaught.tasks.reconstruct.operators import laid, made, sides
    from untaught.tasks.reconstruct.presets import LEAST, PRESETS, TRUSTED
    from untaught.tasks.reconstruct.result import Magnitude

    if operator is None:
        raise BadInput(
            "The operator is missing: give one such as radon:angles=theta.npy, fourier, blur:psf.tif or matrix:A.npz."
        )
    notes: list[str] = []
    gone = np.ma.getmaskarray(data)
    array = np.ma.getdata(data)
    if array.dtype.kind not in "biufc" or not array.size:
        raise BadInput(f"The data are an array of {array.dtype}, {array.shape}: give numbers, at least one.")
    gone = gone | ~np.isfinite(array)
    array = np.where(gone, 0, array - dark if dark else array)
    if gain is not None and array.dtype.kind == "c":
        raise BadInput(f"gain = {gain:g} is of counted light, and these data are complex: leave gain out.")
    space = sides(shape)
    if isinstance(operator, str):
        operator, array = made(operator, np.ma.array(array, mask=gone), space, notes)
        gone = gone if gone.shape == array.shape else np.swapaxes(gone, -1, -2)
    more: dict[str, Any] = {"image_shape": space, "complex_image": complex_image}
    y, a = laid(array.astype(np.complex64 if array.dtype.kind == "c" else np.float64), operator, more)
    if y.is_complex() and not scales.measures_complex(a, tuple(y.shape)):
        if a.direct or y.imag.any():
            raise BadInput(
                "The data are complex, and the operator measures real numbers of a real picture: give the real part, the "
                "magnitude, or for a matrix or a function complex_image."
            )
        y = y.real
    weight = None
    if gone.any():
        weight = 1 - laid(gone.astype(np.float64), a, more)[0].float()
        notes.append(f"{int(gone.sum())} of {gone.size} measurements are unknown")
    mask = getattr(a, "mask", None)
    if mask is not None:  # where nothing was sampled, nothing is known
        weight = mask.expand(y.shape).float() * (1.0 if weight is None else weight)
    if not a.linear and scales.looks_linear(a, tuple(y.shape)):
        a.linear = True
        notes.append("the operator was found to be linear")
    twofold = bool(getattr(a, "complex_image", False))
    y, offset, unit = scales.scaled(y, a, weight, twofold, gain is not None)
    level = float(y.abs().square().mean().sqrt()) if weight is None else scales.root_mean_square(y, weight)
    if sigma is not None and sigma / unit < TRUSTED * level:
        notes.append(
            f"sigma was taken as {TRUSTED * level * unit:.2g}: data of less noise cannot be weighed in single precision"
        )
        sigma = TRUSTED * level * unit
    likelihood: Likelihood
    if gain is not None:
        likelihood = Poisson(gain * unit) if sigma is None else PoissonGaussian(gain * unit, sigma / unit)
    elif sigma is not None:
        likelihood = Gaussian(sigma / unit)
    else:
        likelihood = Gaussian(max(LEAST * level, 1e-12))
    problem = Problem(y, a, likelihood, weight=weight)
    if not problem.image_shape[2:] or len(problem.image_shape) - 2 > 3:
        raise BadInput(
            f"Pictures of shape {problem.image_shape[1:]} have {len(problem.image_shape) - 2} axes of space: 1 to 3 are."
        )
    kind = "counts" if gain is not None else "noise given" if sigma is not None else ""
    facts = Facts(problem, False, seed=seed, device=device, steps=steps, stop=stop, network=network, kind=kind)
    axis = None if problem.image_shape[1] == 1 + twofold else -1
    finish = Scaled(Magnitude(axis) if twofold else Layout("float32", axis), offset, unit)
    return PRESETS.job(preset, facts, finish, notes)
