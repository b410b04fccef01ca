"""The noisy sine: an explicit prior, whose solution is that of one linear system, and a network, stopped and not stopped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.bench.figures._base import Figure, Made, Panel, Reproduced, Runner, Size, Track
from untaught.reports.plot import Axis, Curve, plot

SIGMA = 0.3
WEIGHTS = (1.0, 10.0, 100.0, 1000.0)


def rmse(x: NDArray, truth: NDArray) -> float:
    """The root of the mean square of what lies between."""
    return float(np.sqrt(np.mean((x - truth) ** 2)))


def closed_form(y: NDArray, weight: float) -> NDArray:
    """argmin mean (x - y)^2 + weight * sum (x_i - x_{i+1})^2 / n: one linear system, (1 + weight D'D) x = y."""
    d = np.diff(np.eye(len(y)), axis=0)
    return np.asarray(np.linalg.solve(np.eye(len(y)) + weight * d.T @ d, y))


def by_discrepancy(y: NDArray) -> float:
    """The weight at which the residual is as large as the noise (Morozov); it needs sigma, not the truth."""
    low, high = 1e-3, 1e6
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if np.mean((closed_form(y, middle) - y) ** 2) < SIGMA**2 else (low, middle)
    return float(middle)


def _panels(size: Size) -> list[Panel]:
    n = size.pixels(256, 256)
    truth = np.sin(6 * np.pi * np.arange(n) / n)
    y = truth + np.random.default_rng(size.seed).normal(0, SIGMA, n)

    def row(panel: str, method: str, x: NDArray, seconds: float | None = None) -> Reproduced:
        return Reproduced(
            panel, "sine", method, "RMSE to the sine", round(rmse(x, truth), 4), f"{n} samples", seconds=seconds
        )

    def data(run: Runner) -> Made:
        return Made([row("data", "the data", y)], {"sine": truth, "data": y})

    def smooth(weight: float, by: str, run: Runner) -> Made:
        import torch

        from untaught.prior import Pixels
        from untaught.problem import Problem
        from untaught.problem.regularisers import Smooth
        from untaught.solver.averaging import Last
        from untaught.solver.optimisers import LBFGS
        from untaught.solver.stage import Job, Method, Solve
        from untaught.solver.stopping import After

        problem = Problem(torch.from_numpy(y)[None, None], regulariser=weight * Smooth())
        method = Method(Pixels(), optimiser=LBFGS(), average=Last(), stop=After(25))
        solution = run(Job((Solve(method),), problem), Track(every=100))
        x, name = solution.x[0, 0].numpy(), f"R = {weight:.4g} sum (x_i - x_i+1)^2{by}"
        apart = float(np.abs(x - closed_form(y, weight)).max())
        far = Reproduced(name, "sine", name, "farthest from the closed form", apart, f"{n} samples")
        return Made([row(name, name, x, round(solution.seconds, 2)), far], {"x": x})

    def network(stopped: bool, run: Runner) -> Made:
        job = _job(y, size, stopped)
        track = Curved(truth)
        solution = run(job, track)
        if stopped:
            name = f"network, stopped by discrepancy at step {solution.step}"
            x = solution.x[0, 0].numpy()
            return Made([row("stopped", name, x, round(solution.seconds, 1))], {"x": x}, track.curves)
        curve = track.curves["rmse"]
        best, at = min(curve), f"{n} samples"
        what = ("network", "sine", f"network, best average, at step {curve.index(best) + 1}", "RMSE to the sine", best)
        x = solution.x[0, 0].numpy()
        last = row("network", f"network, after {len(curve)} steps", x, round(solution.seconds, 1))
        return Made([Reproduced(*what, at), last], {"x": x}, track.curves)

    found = by_discrepancy(y)
    named = [(w, "") for w in WEIGHTS] + [(found, ", weight by discrepancy")]
    classic = [Panel(f"smooth {w:.4g}", partial(smooth, w, by)) for w, by in named]
    return [
        Panel("data", data),
        *classic,
        Panel("stopped", partial(network, True)),
        Panel("network", partial(network, False)),
    ]


def _job(y: NDArray, size: Size, stopped: bool) -> Any:
    """A 1-D hourglass of four levels: stopped where the residual is as large as the noise, or not stopped."""
    import torch

    from untaught.prior import Network
    from untaught.prior.codes import Noise
    from untaught.prior.networks.hourglass import Hourglass
    from untaught.problem import Problem
    from untaught.problem.likelihoods import Gaussian
    from untaught.solver.averaging import ExponentialPictures, Last
    from untaught.solver.stage import Job, Method, Solve
    from untaught.solver.stopping import After, Discrepancy

    prior = Network(Hourglass((32,) * 4), Noise(16), jitter=1 / 30, output="linear")
    after = After(size.taken(500, 500))
    # The average still remembers the start when the rule stops, and so would a mean of energies.
    how: dict[str, Any] = {"average": ExponentialPictures(0.99), "stop": after}
    how = {"average": Last(), "stop": Discrepancy(decay=0.0) | after} if stopped else how
    problem = Problem(torch.from_numpy(y).float()[None, None], likelihood=Gaussian(SIGMA))
    return Job((Solve(Method(prior, seed=size.seed, device=size.device, **how)),), problem)


class Curved(Track):
    """Notes how far the averaged iterate is from the sine."""

    def look(self, iterate: Any) -> None:
        assert self.clean is not None
        self.note(rmse=rmse(iterate.average()[0, 0].cpu().numpy(), self.clean))


def _draw(made: Mapping[str, Made]) -> NDArray:
    data = made["data"].pictures
    t = [i / len(data["data"]) for i in range(len(data["data"]))]
    lines = [
        Curve("data", t, list(data["data"]), "dots", colour=4),
        Curve("sine", t, list(data["sine"]), "dashes", colour=6),
    ]
    shown = [m for name, m in made.items() if name in ("stopped", "network") or "discrepancy" in m.rows[0].method]
    for colour, m in enumerate(shown):
        said = next(row.method for row in reversed(m.rows) if row.seconds is not None)
        lines.append(Curve(said, t, list(m.pictures["x"]), colour=colour))
    return plot(lines, Axis("t"), Axis("x"), title="A noisy sine", size=(1060, 420))


FIGURES = (
    Figure(
        "sine",
        "the energy's example",
        "A noisy sine, and the energy E(x, y) + R(x)",
        "The simplest case of the formula: E is the mean square to noisy samples, R the sum of squared differences "
        "of neighbours, and the minimum is the solution of one linear system. A small weight keeps the noise, a "
        "large one flattens the sine. A network without any R does nearly as well if it is stopped in time.",
        _panels,
        _draw,
    ),
)
