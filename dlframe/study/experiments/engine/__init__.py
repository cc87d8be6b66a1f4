"""What an engine of derivatives can do beyond the classification of images.

A hanging chain, an ordinary and a partial differential equation, and a curve fitted to points have
known answers: can derivatives that nobody wrote down find them, and which methods come how near?
Histograms are to be told apart, initial weights learned from which others are learned fast, a
density found by changing variables, and names made up letter by letter.
"""

from __future__ import annotations

from collections.abc import Mapping

from dlframe.study.experiments.engine import chain, curve, flow, histograms, maml, names, ode, pde
from dlframe.study.experiments.engine.chain import hanging_chain
from dlframe.study.experiments.engine.curve import decaying_oscillation
from dlframe.study.experiments.engine.flow import moons_flow
from dlframe.study.experiments.engine.histograms import families
from dlframe.study.experiments.engine.maml import learning_to_learn
from dlframe.study.experiments.engine.names import made_up_names
from dlframe.study.experiments.engine.ode import oscillator
from dlframe.study.experiments.engine.pde import poisson
from dlframe.study.explanation import Explanation, Part
from dlframe.study.results import Results

__all__ = [
    "PROBLEMS",
    "decaying_oscillation",
    "explanation",
    "families",
    "hanging_chain",
    "learning_to_learn",
    "made_up_names",
    "moons_flow",
    "oscillator",
    "poisson",
]

PROBLEMS = {
    "hanging_chain": chain,
    "oscillator": ode,
    "poisson": pde,
    "decaying_oscillation": curve,
    "families": histograms,
    "learning_to_learn": maml,
    "moons_flow": flow,
    "made_up_names": names,
}
"""The module of each study, by the study's name here."""


def parts(found: Mapping[str, Results]) -> list[Part]:
    """The parts of each problem that has results."""
    return [
        part
        for name, module in PROBLEMS.items()
        if name in found
        for part in module.parts(found[name])
    ]


explanation = Explanation(
    why="""All of these problems are one: write down a number that is smallest where the answer is,
        and let the engine give the derivatives. The energy of a chain, the residual of an equation,
        the distance of a curve from points, the improbability of data: each is a few lines of
        arithmetic, and `backward`, `autograd.grad`, `func.hessian` and `func.jacfwd` are the same
        for all of them.

        Which derivatives are used decides how fast the answer comes. The gradient alone says which
        way is down, and not how far. The Hessian, or JᵀJ for sums of squares, says how the slope
        changes along the way; with it a step goes to where the slope would be zero. LBFGS learns as
        much of that from past gradients as it can, and costs hardly more than gradient descent. For
        problems with few unknowns and no noise in the loss that is worth more than any choice of
        learning rate; for networks trained on batches it is not available.

        Where the answer is known, arms are judged by their right digits, -log₁₀ of the error: 3
        means an error of a thousandth. Errors here differ by many powers of ten, and a mean of the
        errors themselves would be that of the worst run.

        Derivatives can also be part of the loss itself: that of a differential equation contains
        them, and it is differentiated again for the weights. So the network must be smooth as often
        as the loss looks, which is where ReLU fails. Learning to learn has the gradient of the
        tasks' losses within its own loss, and a flow the determinant of the derivatives of its
        map.""",
    not_shown="""These are small problems, chosen since their answers are known or soon found;
        specialised methods solve most of them faster, as the table of finite differences shows.
        Learning rates of the oscillator, of Poisson's equation and of the curve were fixed
        beforehand and not tuned for each arm, so that a slow optimizer there might be less slow
        with another rate or a schedule. An epoch is some number of evaluations of the gradient, and
        a step with a Hessian or a Jacobian costs more than one of them; the table of costs has the
        time that each arm took.

        Sines are a family with two unknown numbers, moons have two dimensions, and a few thousand
        names are few for a GPT: what MAML, a flow or a GPT is worth where these are many is not
        measured here.""",
    questions=(
        """How far may the first angles of the chain be from the solution? Newton's method looks for
        a slope of zero, and that may be a saddle: set `NOISE = 0.5` in `engine/chain.py`, and look
        for runs whose error stays large though the gap at the nail is closed.""",
        """Does Gauss-Newton fail because its direction is bad, or because its step is too long? Set
        `"Gauss-Newton": 0.3` in `RATES` of `engine/curve.py`: it then takes a third of each
        step.""",
    ),
    parts=parts,
)
