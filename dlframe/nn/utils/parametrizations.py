"""Ready parametrizations: weight norm, spectral norm, orthogonal matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.autograd import mark_mutated_many, no_grad
from dlframe.dtypes import finfo
from dlframe.errors import ArgumentError, DimensionError
from dlframe.nn.module import Module
from dlframe.nn.utils import parametrize
from dlframe.tensor import Tensor, linalg
from dlframe.tensor.creation import eye, randn
from dlframe.tensor.functions import cat, geqrf, matrix_exp, norm_except_dim

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


# --- weight norm -------------------------------------------------------------------------------


def scaled_direction(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """w = g v / ‖v‖: the length g in the direction of v."""
    w: Tensor = v * (g / norm_except_dim(v, 2, dim))
    return w


class _WeightNorm(Module):
    """(g, v) ↦ g v / ‖v‖."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """The weight."""
        return scaled_direction(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Its length and itself as the direction."""
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    r"""w = g v / ‖v‖: train the length of a weight apart from its direction.

    `parametrizations.weight.original0` is g and `original1` is v. The gradient of v is orthogonal
    to v, so v only grows, and the effective step of its direction shrinks by itself. It costs
    less than batch norm and does not mix the samples of a batch; it does not center activations.
    Salimans and Kingma (2016), "Weight normalization".

    Args:
        module: the module, which is changed and returned.
        name: the parameter's name.
        dim: the dimension that keeps a length for each index, such as 0 for one per output; None
            for one length of the whole tensor.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape
    (40, 1)
    >>> layer
    ParametrizedLinear(
      in_features=20, out_features=40, bias=True
      (parametrizations): ModuleDict(
        (weight): ParametrizationList(
          (0): _WeightNorm()
        )
      )
    )
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def from_hooks(module: Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
        """Take the keys of the older `nn.utils.weight_norm` as well."""
        old = f"{prefix}{name}_g", f"{prefix}{name}_v"
        if all(key in state for key in old):
            for i, key in enumerate(old):
                state[f"{prefix}parametrizations.{name}.original{i}"] = state.pop(key)

    module.register_load_state_dict_pre_hook(from_hooks)
    return module


# --- spectral norm -----------------------------------------------------------------------------


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight as a matrix whose rows belong to the indices of `dim`."""
    moved = weight.movedim(dim, 0) if dim else weight
    return moved.reshape(moved.shape[0], -1)


def unit(x: Tensor, eps: float) -> Tensor:
    """x / max(‖x‖, eps)."""
    out: Tensor = x / linalg.vector_norm(x).clamp_min(eps)
    return out


def power_step(matrix: Tensor, u: Tensor, v: Tensor, eps: float, u_first: bool) -> None:
    """One step of the power method: u and v turn towards the largest singular value's vectors."""
    with no_grad():
        for first in (u_first, not u_first):
            if first:
                u.array[...] = unit(matrix.mv(v), eps).array
            else:
                v.array[...] = unit(matrix.T.mv(u), eps).array
    mark_mutated_many((u.array, v.array), "spectral_norm")


class _SpectralNorm(Module):
    """W ↦ W / σ(W), with σ from a power method that goes on at each use."""

    _u: Tensor
    _v: Tensor

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        nd = weight.ndim
        if not -nd <= dim < nd:
            raise DimensionError(
                "Dimension out of range (expected to be in range of "
                f"[-{nd}, {nd - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ArgumentError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % nd
        self.eps = eps
        if nd > 1:  # the norm of a vector is known exactly
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            u = matrix.new_empty(matrix.shape[0]).normal_(0, 1)
            v = matrix.new_empty(matrix.shape[1]).normal_(0, 1)
            self.register_buffer("_u", unit(u, eps))
            self.register_buffer("_v", unit(v, eps))
            self._power_method(matrix, 15)

    def _power_method(self, matrix: Tensor, times: int) -> None:
        for _ in range(times):
            power_step(matrix.detach(), self._u, self._v, self.eps, u_first=True)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight, divided by its norm."""
        if weight.ndim == 1:
            return unit(weight, self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        # copies, since the next call writes to the buffers before this one's backward
        sigma = self._u.clone().dot(matrix.mv(self._v.clone()))
        out: Tensor = weight / sigma
        return out

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself."""
        return value


def dim_of_outputs(module: Module) -> int:
    """The dimension of a layer's weight that counts its outputs: 1 for transposed convolutions."""
    return 1 if getattr(module, "transposed", False) else 0


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """W / σ(W), with σ the largest singular value: a layer that stretches nothing.

    σ(W) = max ‖W h‖ / ‖h‖ is how far the layer can move two outputs apart: with σ = 1 a whole
    network of such layers (and ReLUs) is 1-Lipschitz, which the discriminators of GANs need. σ is
    estimated by the power method, one step at each use in training: u ← W v / ‖W v‖,
    v ← Wᵀ u / ‖Wᵀ u‖, σ ≈ uᵀ W v; after a large step of an optimizer it is a little too small.
    Miyato et al. (2018), "Spectral normalization for generative adversarial networks".

    Args:
        module: the module, which is changed and returned.
        name: the parameter's name.
        n_power_iterations: steps of the power method at each use.
        eps: against a division by zero.
        dim: the dimension that counts the outputs; by default 0, and 1 in transposed convolutions.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(20, 40))
    >>> abs(dl.linalg.matrix_norm(layer.weight, 2).item() - 1) < 0.1
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ArgumentError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    dim = dim_of_outputs(module) if dim is None else dim
    norm = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return parametrize.register_parametrization(module, name, norm)


# --- orthogonal --------------------------------------------------------------------------------


def _orthonormal(a: Tensor) -> Tensor:
    """The Q of the QR decomposition of a tall matrix whose R has a positive diagonal."""
    x, tau = geqrf(a)
    q: Tensor = linalg.householder_product(x, tau) * _diagonal(x).sgn().unsqueeze(-2)
    return q


def _diagonal(x: Tensor) -> Tensor:
    return x.diagonal(dim1=-2, dim2=-1)


def _is_orthonormal(q: Tensor) -> bool:
    n, k = q.shape[-2:]
    error = (q.mT @ q - eye(k, dtype=q.dtype)).abs()
    return bool((error <= 10 * n * finfo(q.dtype).eps + 1e-5 * eye(k, dtype=q.dtype)).all())


_MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    """X ↦ Q with orthonormal columns (or rows, if it is wide)."""

    base: Tensor | None

    def __init__(
        self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True
    ) -> None:
        super().__init__()
        self.shape = tuple(weight.shape)
        self.orthogonal_map = orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        """The orthogonal matrix."""
        wide = X.shape[-2] < X.shape[-1]
        x = X.mT if wide else X
        q = self._reflected(x) if self.orthogonal_map == "householder" else self._rotated(x)
        if self.use_trivialization:
            q = self.base @ q
        return q.mT if wide else q

    def _rotated(self, x: Tensor) -> Tensor:
        """exp(A) or its Cayley form, for the skew-symmetric A of the lower triangle of x."""
        n, k = x.shape[-2:]
        x = x.tril()
        if n != k:
            x = cat([x, x.new_zeros(*x.shape[:-1], n - k)], dim=-1)
        a = x - x.mT
        if self.orthogonal_map == "matrix_exp":
            q = matrix_exp(a)
        else:
            one = eye(n, dtype=a.dtype)
            q = linalg.solve(one - 0.5 * a, one + 0.5 * a)
        return q[..., :k] if n != k else q

    def _reflected(self, x: Tensor) -> Tensor:
        """A product of reflections, one per column of x below the diagonal."""
        a = x.tril(diagonal=-1)
        tau = 2.0 / (1.0 + (a * a).sum(dim=-2))
        q = linalg.householder_product(a, tau)
        # the diagonal holds 1 and -1, which are no parameters
        signs = _diagonal(x.detach()).int().to(q.dtype)
        out: Tensor = q * signs.unsqueeze(-2)
        return out

    def right_inverse(self, Q: Tensor) -> Tensor:
        """The X that gives Q, or the orthogonal matrix nearest to it in the sense of QR."""
        if tuple(Q.shape) != self.shape:
            raise ArgumentError(
                f"Expected a matrix or batch of matrices of shape {list(self.shape)}. Got a "
                f"tensor of shape {list(Q.shape)}."
            )
        wide = Q.shape[-2] < Q.shape[-1]
        with no_grad():
            q = Q.mT if wide else Q
            if self.use_trivialization:
                self.base = self._base_for(q)
                # with the identity's negative, householder too gives the base itself
                return Tensor(-np.eye(*Q.shape[-2:], dtype=Q.dtype) + np.zeros_like(Q.array))
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley "
                    "parametrizations when use_trivialization=False."
                )
            a, tau = geqrf(q)
            # the signs of R's diagonal; LAPACK gives τ = 0 where it reflects nothing
            signs = np.sign(_diagonal(a).array)
            signs = np.where(tau.array == 0, -signs, signs).astype(Q.dtype)
            below = np.tril(np.ones(a.shape[-2:]), -1) + np.triu(np.ones(a.shape[-2:]), 1)
            x = Tensor(
                a.array * below.astype(Q.dtype)
                + np.eye(*a.shape[-2:], dtype=Q.dtype) * signs[..., None, :]
            )
            return x.mT if wide else x

    def _base_for(self, q: Tensor) -> Tensor:
        """A square orthogonal matrix that begins with the columns of q."""
        n, k = q.shape[-2:]
        if n == k:
            return q.clone() if _is_orthonormal(q) else _orthonormal(q)
        more = randn(*q.shape[:-1], n - k, dtype=q.dtype)
        return _orthonormal(cat([q, more], dim=-1))


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Keep a matrix orthogonal while it is trained: QᵀQ = 1, or QQᵀ = 1 if it is wide.

    An orthogonal layer keeps lengths, forward and backward: no gradient vanishes or explodes in it.
    Q is made from the parameter X by a map whose every value is orthogonal, so any optimizer
    works. With `use_trivialization`, Q = B · map(X) for a fixed orthogonal B, `base`, so that
    training goes on around B. Lezcano-Casado (2019), "Trivializations for gradient-based
    optimization on manifolds".

    Args:
        module: the module, which is changed and returned.
        name: the name of a parameter of shape (..., m, n).
        orthogonal_map: with A the skew-symmetric matrix of X's lower triangle, `"matrix_exp"`
            for exp(A), by default for square matrices; `"cayley"` for (1 + A/2)(1 - A/2)⁻¹;
            `"householder"` for a product of reflections, by default for others.
        use_trivialization: whether there is a base.

    The first value is the parameter's if that is orthogonal, and the Q of its QR decomposition if
    it is not.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(20, 40))
    >>> q = layer.weight
    >>> dl.allclose(q.T @ q, dl.eye(20), atol=1e-5)
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ArgumentError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ArgumentError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in _MAPS:
        raise ArgumentError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: '
            f"{orthogonal_map}"
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return parametrize.register_parametrization(module, name, made, unsafe=True)
