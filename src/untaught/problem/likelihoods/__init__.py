"""E: how far a prediction A x is from the data y; sigma lives here and nowhere else. One family of noise a file.

Energies are means over the weighted measurements, so that learning rates and weights carry over sizes.
A weight is one number a measurement, 0 = unknown. Complex residuals count |r|^2.
"""

from untaught.problem.likelihoods._base import Likelihood, channelwise
from untaught.problem.likelihoods.gaussian import ClippedGaussian, Compressed, Gaussian
from untaught.problem.likelihoods.impulse import Impulse
from untaught.problem.likelihoods.interval import Interval
from untaught.problem.likelihoods.laplace import Laplace
from untaught.problem.likelihoods.poisson import Poisson, PoissonGaussian
from untaught.problem.likelihoods.reward import Reward
from untaught.problem.likelihoods.speckle import Speckle

__all__ = [
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
    "channelwise",
]
