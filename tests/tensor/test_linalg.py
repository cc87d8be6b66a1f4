"""What tests/samples cannot say of linear algebra: errors, graphs, singular matrices."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.errors import DlframeError, GradientError

Array = np.ndarray[Any, Any]
rng = np.random.default_rng(11)


def square(*shape: int) -> Any:
    return dl.tensor(rng.standard_normal(shape) + 3 * np.eye(shape[-1]), requires_grad=True)


# --- errors ------------------------------------------------------------------------------------


def test_linalg_error_is_everybodys() -> None:
    for error in (DlframeError, RuntimeError, np.linalg.LinAlgError):
        with pytest.raises(error):
            dl.linalg.inv(dl.zeros(2, 2))
    assert dl.linalg.LinAlgError is dl.errors.LinAlgError


@pytest.mark.parametrize("size", [2, 20])
@pytest.mark.parametrize(
    ("function", "words"),
    [
        (dl.linalg.inv, "linalg.inv: (Batch element 2): The diagonal element 1 is zero"),
        (dl.linalg.cholesky, "linalg.cholesky: (Batch element 2): "),
        (lambda a: dl.linalg.solve(a, a), "linalg.solve: (Batch element 2): "),
    ],
)
def test_error_names_the_matrix(function: Any, words: str, size: int) -> None:
    """Small matrices go through NumPy, larger ones to LAPACK."""
    a = dl.stack([dl.eye(size), dl.eye(size), dl.zeros(size, size), dl.zeros(size, size)])
    with pytest.raises(dl.linalg.LinAlgError) as caught:
        function(a)
    assert words in str(caught.value)
    assert f"[4, {size}, {size}]" in str(caught.value)


@pytest.mark.parametrize("size", [2, 20])
def test_ex_functions_return_what_failed(size: int) -> None:
    a = dl.stack([dl.eye(size), dl.ones(size, size)])
    assert dl.linalg.inv_ex(a).info.tolist() == [0, 2]
    assert dl.linalg.solve_ex(a, dl.ones(size)).info.tolist() == [0, 2]
    assert dl.linalg.lu_factor_ex(a).info.tolist() == [0, 2]
    assert dl.linalg.cholesky_ex(a * 2 - dl.eye(size)).info.tolist() == [0, 2]
    assert dl.linalg.inv_ex(a).inverse[0].equal(dl.eye(size))


# --- graphs ------------------------------------------------------------------------------------


def test_writing_into_a_kept_factor_raises() -> None:
    """The rule of a decomposition reads the factors that it returned."""
    u, s, vh = dl.linalg.svd(square(3, 3))
    with dl.no_grad():
        u.mul_(2)
    with pytest.raises(GradientError, match="modified by an inplace operation"):
        (s.sum() + vh.sum()).backward()


def test_gradient_of_values_alone_does_not_divide_by_gaps() -> None:
    for values in (lambda a: dl.linalg.eigh(a)[0], lambda a: dl.linalg.svd(a)[1]):
        a = dl.eye(3, requires_grad=True)
        values(a).sum().backward()
        assert dl.allclose(a.grad, dl.eye(3))


def test_factors_are_shared_by_forward_and_backward() -> None:
    """A larger system is factored once; for higher orders the rule factors again."""
    a, b = square(20, 20), dl.tensor(rng.standard_normal((3, 20, 2)), requires_grad=True)
    x = dl.linalg.solve(a, b)
    fast = dl.autograd.grad(x.sum(), (a, b), retain_graph=True)
    by_rule = dl.autograd.grad(x.sum(), (a, b), create_graph=True)
    for one, other in zip(fast, by_rule, strict=True):
        np.testing.assert_allclose(one.numpy(), other.detach().numpy(), rtol=1e-9, atol=1e-12)


def test_import_leaves_scipy_alone() -> None:
    program = "import sys, dlframe; dlframe.linalg; print('scipy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


# --- singular matrices -------------------------------------------------------------------------


def cofactors(a: Array) -> Array:
    n = len(a)
    out = np.empty_like(a)
    for i, j in itertools.product(range(n), repeat=2):
        minor = np.delete(np.delete(a, i, 0), j, 1)
        out[i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    return out


@pytest.mark.parametrize("size", [2, 3, 4, 14])
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_gradient_of_det_is_the_matrix_of_cofactors(size: int, lost: int) -> None:
    """Also of a matrix without an inverse; of rank n - 2 and less it is 0."""
    left, right = rng.standard_normal((2, size, size - lost))
    matrix = left @ right.T * 0.3
    if lost:
        matrix[-1] = 0
        matrix[:, 0] = 0 if lost > 1 else matrix[:, 0]
    a = dl.tensor(matrix, requires_grad=True)
    (g,) = dl.autograd.grad(dl.det(a), a)
    np.testing.assert_allclose(g.numpy(), cofactors(matrix), rtol=1e-8, atol=1e-10)


def test_second_gradient_of_det_of_a_singular_matrix() -> None:
    a = dl.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]], dtype=dl.float64)
    assert dl.autograd.gradgradcheck(dl.det, a.requires_grad_())


# --- gradients that PyTorch does not compute ---------------------------------------------------


@pytest.mark.parametrize("p", ["fro", 1, -1, float("inf"), -float("inf")])
def test_gradient_of_condition_numbers(p: Any) -> None:
    """PyTorch's own raises: it writes into what its backward needs."""
    assert dl.autograd.gradcheck(lambda a: dl.linalg.cond(a, p), square(3, 3))


@pytest.mark.parametrize("increasing", [True, False])
def test_gradient_of_vander(increasing: bool) -> None:
    x = dl.tensor([2.0, 0.0, -1.5], dtype=dl.float64, requires_grad=True)
    assert dl.autograd.gradcheck(lambda x: dl.vander(x, 4, increasing=increasing), x)


def test_matrix_exp_of_half_precision_is_computed_in_float32() -> None:
    a = dl.tensor([[0.0, 1.0], [-1.0, 0.0]]).half()
    want = [[np.cos(1), np.sin(1)], [-np.sin(1), np.cos(1)]]
    np.testing.assert_allclose(dl.matrix_exp(a).numpy(), want, atol=1e-3)


# --- against definitions -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (30, 30), (4, 3, 3), (200, 2, 2), (3, 15, 15)])
def test_factors_give_the_matrix_back(shape: tuple[int, ...]) -> None:
    a = square(*shape).detach()
    u, s, vh = dl.linalg.svd(a)
    p, lower, upper = dl.linalg.lu(a)
    q, r = dl.linalg.qr(a)
    w, v = dl.linalg.eigh(a + a.mT)
    c = dl.linalg.cholesky(a @ a.mT)
    for product, want in (
        ((u * s[..., None, :]) @ vh, a),
        (p @ lower @ upper, a),
        (q @ r, a),
        ((v * w[..., None, :]) @ v.mT, a + a.mT),
        (c @ c.mT, a @ a.mT),
        (dl.linalg.inv(a) @ a, dl.eye(shape[-1], dtype=dl.float64).expand(*shape)),
        (a @ dl.linalg.solve(a, a[..., :1]), a[..., :1]),
    ):
        np.testing.assert_allclose(product.numpy(), want.numpy(), atol=1e-9)
    sign, logabsdet = dl.linalg.slogdet(a)
    np.testing.assert_allclose((sign * logabsdet.exp()).numpy(), dl.det(a).numpy(), rtol=1e-9)


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("upper", [True, False])
def test_many_small_triangular_systems_are_solved_at_once(left: bool, upper: bool) -> None:
    a, b = square(3, 3).detach(), dl.tensor(rng.standard_normal((100, 3, 3)))
    batch = a.expand(100, 3, 3)
    at_once = dl.linalg.solve_triangular(batch, b, upper=upper, left=left)
    each = dl.stack([dl.linalg.solve_triangular(a, x, upper=upper, left=left) for x in b])
    np.testing.assert_allclose(at_once.numpy(), each.numpy(), atol=1e-12)


def test_names_are_pytorchs() -> None:
    """All but what needs complex numbers, and LAPACK's compact forms."""
    left_out = {"eig", "eigvals", "ldl_factor", "ldl_factor_ex", "ldl_solve"}
    file = Path(__file__).resolve().parents[1] / "golden" / "signatures.json"
    paths = json.loads(file.read_text("utf-8"))["calls"]
    theirs = {path.removeprefix("torch.linalg.") for path in paths if ".linalg." in path}
    assert theirs - left_out <= set(dl.linalg.__all__)


def test_arguments_go_by_both_of_pytorchs_names() -> None:
    """PyTorch documents linalg.cond(A), and its parser takes linalg.cond(input=…)."""
    a, b = dl.eye(2) * 2, dl.ones(2, 1)
    assert dl.linalg.cond(A=a).equal(dl.linalg.cond(input=a))
    assert dl.linalg.lstsq(input=a, b=b).solution.equal(dl.linalg.lstsq(A=a, B=b).solution)
    assert dl.cholesky_solve(input=b, input2=a).equal(b.cholesky_solve(a))
    assert dl.linalg.tensorsolve(input=a, other=b[:, 0]).equal(dl.linalg.solve(a, b[:, 0]))
