"""SciPy's minimizers on small models: a curve with bounds, its uncertainty, and a constraint.

    python examples/fit_a_curve.py

Derivatives come from autograd, so the model is only its formula.
"""

from __future__ import annotations

import numpy as np

import dlframe as dl
from dlframe import nn, optim


def measurements() -> tuple[dl.Tensor, dl.Tensor]:
    """Times, and a damped oscillation with noise of 0.05."""
    dl.manual_seed(0)
    t = dl.linspace(0, 6, 80, dtype=dl.float64)
    clean = 1.5 * (-0.4 * t).exp() * (3.0 * t).cos() + 0.2
    return t, clean + 0.05 * dl.randn(80, dtype=dl.float64)


def fit_oscillation(t: dl.Tensor, y: dl.Tensor) -> None:
    """Least squares with bounds; the Jacobian at the end gives the uncertainty."""
    names = "amplitude", "damping", "frequency", "offset"
    params = [dl.tensor(value, dtype=dl.float64) for value in (1.0, 0.1, 2.7, 0.0)]
    bounds = [(0, None), (0, 5), (1, 10), (-1, 1)]

    def residuals(a: dl.Tensor, k: dl.Tensor, w: dl.Tensor, c: dl.Tensor) -> dl.Tensor:
        return a * (-k * t).exp() * (w * t).cos() + c - y

    result = optim.least_squares(residuals, params, bounds=bounds)
    variance = 2 * result.cost / (len(t) - len(params))
    errors = np.sqrt(np.diag(np.linalg.inv(result.jac.T @ result.jac)) * variance)
    print(f"least_squares: loss {result.cost:.4f} after {result.nfev} evaluations")
    for name, value, error in zip(names, params, errors, strict=True):
        print(f"  {name:9}  {value.item():6.3f} ± {error:.3f}")


class Mixture(nn.Module):
    """A density with two peaks: shares times normal densities of means and widths."""

    def __init__(self) -> None:
        super().__init__()
        self.share = nn.Parameter(dl.tensor([0.5, 0.5], dtype=dl.float64))
        self.mean = nn.Parameter(dl.tensor([-1.0, 1.0], dtype=dl.float64))
        self.width = nn.Parameter(dl.tensor([1.0, 1.0], dtype=dl.float64))

    def forward(self, x: dl.Tensor) -> dl.Tensor:
        """The logarithm of the density at each x."""
        z = (x[:, None] - self.mean) / self.width
        each = self.share / (self.width * np.sqrt(2 * np.pi)) * (-0.5 * z * z).exp()
        return each.sum(dim=1).log()


def fit_mixture() -> None:
    """The likeliest mixture, whose shares are not negative and have the sum 1."""
    dl.manual_seed(0)
    x = dl.cat([dl.randn(140) * 0.5 - 1.5, dl.randn(60) * 0.8 + 2.0]).double()
    model = Mixture()
    optimizer = optim.SciPy(
        model.named_parameters(),
        "SLSQP",
        bounds={"share": (0, 1), "width": (0.05, None)},
        constraints=[{"type": "eq", "fun": lambda share, mean, width: share.sum() - 1}],
    )

    def closure() -> dl.Tensor:
        optimizer.zero_grad()
        loss = -model(x).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    print(f"SLSQP: loss {closure().item():.4f} after {optimizer.result.nit} iterations")
    for name, value in model.named_parameters():
        print(f"  {name:9}  {value[0].item():6.2f}  {value[1].item():6.2f}")


def main() -> None:
    """Both fits."""
    fit_oscillation(*measurements())
    fit_mixture()


if __name__ == "__main__":
    main()
