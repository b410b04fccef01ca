"""Factors and axes of many small matrices, and conjugate gradients for equations that are too large for one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import torch
from torch import Tensor


def factor(gram: Tensor) -> Tensor:
    """The lower factor of symmetric matrices (g, k, k) that have a load on their diagonals: gram = L L^T.

    In single precision a load may be lost to rounding beside large entries. Such a matrix alone gets more of its mean diagonal,
    tenfold from 1e-6, until it can be factored; one that holds no numbers becomes the identity.
    """
    lower, failed = torch.linalg.cholesky_ex(gram)
    more = 1e-6
    while bool((bad := failed > 0).any()):
        some = gram[bad].nan_to_num(0.0, 0.0, 0.0) if more > 1e-6 else gram[bad]
        eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
        if more > 1:
            lower[bad] = eye
            break
        mean = some.diagonal(dim1=-2, dim2=-1).mean(-1).abs()[:, None, None]
        lower[bad], again = torch.linalg.cholesky_ex(some + more * mean * eye)
        failed = failed.masked_scatter(bad, again)
        more *= 10
    return lower


def axes(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues, rising, and eigenvectors of symmetric (Hermitian) matrices "... k k".

    Where single precision does not converge, which is an error or an answer of NaN, of the same in double precision, with a trace
    of the mean on the diagonal.
    """
    with contextlib.suppress(torch.linalg.LinAlgError):
        value, vector = torch.linalg.eigh(gram)
        if bool(vector.isfinite().all()):
            return value, vector
    wide = gram.to(torch.complex128 if gram.is_complex() else torch.float64).nan_to_num(0.0, 0.0, 0.0)
    mean = wide.diagonal(dim1=-2, dim2=-1).real.mean(-1).abs()
    wide = wide + (1e-12 * mean + 1e-300)[..., None, None] * torch.eye(
        gram.shape[-1], dtype=wide.dtype, device=gram.device
    )
    value, vector = torch.linalg.eigh(wide)
    return value.to(gram.real.dtype), vector.to(gram.dtype)


def conjugate_gradients(normal: Callable[[Tensor], Tensor], b: Tensor, x: Tensor, rounds: int) -> Tensor:
    """normal(x) = b by so many conjugate gradients from x; normal is symmetric and not negative."""
    rest = b - normal(x)
    way, size = rest, rest.square().sum()
    # What is left after convergence is rounding; going on, squares underflow and a length becomes 0 / 0.
    least = torch.finfo(rest.dtype).eps ** 2 * max(float(b.square().sum()), float(size))
    for _ in range(rounds):
        if not float(size) > least:
            break
        image = normal(way)
        length = size / (way * image).sum()
        x, rest = x + length * way, rest - length * image
        way, size = rest + rest.square().sum() / size * way, rest.square().sum()
    return x
