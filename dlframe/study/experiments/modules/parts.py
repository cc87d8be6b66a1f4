"""What the page says of each module: the mechanism in words, with a picture of what happens."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dlframe.study.experiments.modules import pictures
from dlframe.study.explanation import Explanation, Part

if TYPE_CHECKING:
    from dlframe.study.results import Results

Found = Mapping[str, "Results"]


def parts(found: Found) -> Iterator[Part]:
    """Two parts or more for each module, in the order of the study's factors."""
    yield from _activation(found)
    yield from _optimizer()
    yield from _regularization(found)
    yield _loss()
    yield from _norm()
    yield _init(found)


# --- activation --------------------------------------------------------------------------------


def _activation(found: Found) -> Iterator[Part]:
    yield Part(
        "Activation: what is left of the gradient after many layers",
        """
        On its way back to the input the gradient is multiplied in each layer by the transposed
        weights and by the slope f′ of the activation: g ← Wᵀ (f′ · g). So it is a product with as
        many factors as there are layers. The slope of `Sigmoid` is 1/4 at most; the product falls
        at least as fast as a power of 1/4 unless the weights are large, and after 15 layers the
        first one gets next to nothing: the gradient vanishes. `Tanh` has the slope 1 at 0, and
        `ReLU` has 1 on its whole positive side, so with initial values that fit, their gradients
        keep their size.

        Two hidden layers, as in the study, are few factors. There a sigmoid learns more slowly and
        is not lost.
        """,
        pictures.derivatives_and_depth(),
        "Left: slopes of four activations; that of the sigmoid is at most a quarter. Right: the "
        "size of the gradient in each of 15 layers. For tanh, ReLU and GELU it is much the same in "
        "all layers; for the sigmoid it falls in a straight line on the logarithmic scale.",
    )
    yield Part(
        "Activation: dead units",
        """
        A `ReLU` passes no gradient where its input is negative. If one step is so large that a
        unit's input is negative for every image, its weights get no gradient any more, and it stays
        at 0: it is dead. The larger the learning rate, the more of such steps there are.
        `LeakyReLU` has a small slope on the negative side as well, so its units can come back.

        The table has the share of units of the study's networks that are exactly 0 for all
        validation images. Smooth activations are negative there, not 0.
        """,
        pictures.dead_units(),
        "The share of dead units over 20 epochs. With the smallest rate it stays below a tenth, "
        "with larger ones it rises, and the largest kills most of them. For LeakyReLU it is 0.",
        _means(found.get("modules"), "activation", {"dead units": "percent"}),
    )


# --- optimizer ---------------------------------------------------------------------------------


def _optimizer() -> Iterator[Part]:
    yield Part(
        "Optimizer: five paths in one valley",
        """
        The surface is steep across the valley and nearly flat along it: 100 times as curved in one
        direction as in the other. A network's loss is like this in thousands of directions.

        `SGD` steps along the gradient, w ← w − γ g. The steep sides allow only a small rate γ, and
        with it the way along the valley is slow. Momentum adds up the gradients: across the valley
        they have changing signs and cancel, along it they have one sign and build up speed, so it
        arrives earlier, and swings. `Adagrad`, `RMSprop` and `Adam` divide each weight's gradient
        by its usual size, so that the steps along the valley are as long as those across. `Adagrad`
        divides by the root of the sum of all squares so far, and becomes slow; `RMSprop` by a
        running mean; `Adam` adds momentum to that.

        That is why their learning rates mean different things, and why the study chooses the rate
        for each of them from as many values.
        """,
        pictures.paths(),
        "Contour lines of a long valley with five paths from one start. SGD zigzags between the "
        "sides and ends half way; momentum swings along the valley; Adagrad and RMSprop go "
        "diagonally to its floor and along it; Adam goes in a wide bow and overshoots.",
    )
    yield Part(
        "Optimizer: sharp and flat minima",
        """
        Three networks begin with the same weights and learn the same images until the loss is
        small. Then the weights are moved away in random directions that are as long as the weights
        themselves, filter by filter, and the training loss is measured on the way. The curves are
        means over three directions.

        Where the loss rises soon, the minimum is sharp: weights that are a little different do much
        worse. `SAM` takes the gradient at the worst place nearby and not at the weights themselves,
        w ← w − γ ∇L(w + ε), so it settles where the surroundings are low, too. The minimum of
        `Adam` is the deepest here. How wide a valley is says something about new images, but no
        more than something: compare the accuracies.
        """,
        pictures.valleys(),
        "The training loss over the distance from the trained weights, for SGD, Adam and SGD with "
        "SAM. Far away the curve of SAM is less than half as high as the others. At the bottom, on "
        "a logarithmic scale, Adam is the deepest and SAM the flattest.",
    )


# --- regularization ----------------------------------------------------------------------------


def _regularization(found: Found) -> Iterator[Part]:
    few = found.get("regularization")
    if few is not None and (figure := pictures.learning_by_heart(few)) is not None:
        yield Part(
            "Regularization: learning by heart",
            """
            A part of the few training images have labels drawn by chance. A network first learns
            what many images have in common, and then, image by image, the wrong labels. From there
            on its loss in training goes on falling, while the loss on validation images, whose
            labels are right, rises.

            Each regularization makes this learning by heart expensive or impossible, and each has
            its price: a larger loss in training. The strength was chosen for each by the validation
            accuracy, of as many values. Early stopping ends its runs at different epochs; its line
            ends where half of them are over. The losses of dropout, DropConnect and augmentation in
            training are those of thinned networks and moved images. Label smoothing is judged by
            the plain cross-entropy, which it does not minimize.

            In the table, `train_accuracy` counts a wrong label as right. About 82 % of the labels
            are right: eight in ten, and a tenth of those drawn by chance. What is above that share
            was learned by heart.
            """,
            figure,
            "Mean losses over the epochs, for each regularization; left in training, right on "
            "validation images.",
            _means(few, "regularization", {
                "train_accuracy": "percent", "val_accuracy": "percent", "test_loss": "number",
                "weights near 0": "percent",
            }),
        )  # fmt: skip
    figure, rows = pictures.weights()
    yield Part(
        "Regularization: weights under L1, L2 and max-norm",
        """
        L1 adds λ Σ |w| to the loss. Its pull has the same size λ for every weight, however small,
        so it pulls small weights all the way to 0, and leaves the others: a few large ones. L2 adds
        λ/2 Σ w². Its pull is λ w, so it shrinks large weights the most, and becomes weak near 0:
        hardly any weight is 0. Max-norm lets the weights of a unit alone until their norm is above
        a limit, and scales them back to it after the step. In the first study the limit is 2, which
        no unit reaches on digits, so its row there is that of the baseline.

        The pictures are histograms of all weights of a network, with heights on a logarithmic
        scale. Each has its own axis.
        """,
        figure,
        "Four histograms of weights. Without a penalty: a wide hill. L1: a high needle at 0 with "
        "wide, low sides. L2: a narrower hill with a point. Max-norm: a hill with steep ends.",
        (("trained with", "weights closer to 0 than 0.001", "norm of all", "largest"), rows),
    )
    yield Part(
        "Regularization: moved images",
        """
        Augmentation shows the network each image a little turned, scaled and shifted, anew in each
        epoch: x′ = x(A u + b), where u are the places of the pixels, and A and b are drawn. The
        label stays. So no image is seen twice, and what does not depend on the place cannot be
        learned by heart as easily. The movement must be one that new images could have: a shift by
        a whole pixel of eight is more than digits differ by, and does harm. So images are read
        between their pixels, by `grid_sample`.

        Dropout sets outputs of units to 0 by chance, y = m x / (1 − p), DropConnect single weights:
        no unit can rely on a certain other one. Label smoothing asks for probabilities of less than
        1, so that nothing is gained by growing scores. Early stopping ends before the wrong labels
        are learned.
        """,
        pictures.moved_digits(),
        "Three digits, each as it is and five times moved by less than half a pixel.",
    )


# --- loss --------------------------------------------------------------------------------------


def _loss() -> Part:
    return Part(
        "Loss: what it wants of the margin",
        """
        The margin m is the score of the right class minus that of another one; the answer is right
        where m is positive. With two classes the cross-entropy is log(1 + exp(−m)): it always
        pulls, and the less the larger the margin is. So wrong answers pull the most, and right ones
        become more certain without end. The hinge loss, max(0, 1 − m), pulls with one force up to
        the margin 1, and then not at all. The perceptron's, max(0, −m), stops as soon as the answer
        is right, by however little; a new image that is a little different then falls on the wrong
        side. The squared error wants the scores 1 and 0, so it also pulls back those that are too
        right; this keeps the scores bounded.

        The right picture has the margins of 400 training images after 30 epochs. It shows each
        loss's aim: hinge beyond 1, squared error around 1, perceptron just above 0, cross-entropy
        far out.

        The squared error and the two margin losses are means over the ten classes, so their
        gradients are smaller; the study tries larger learning rates for them.
        """,
        pictures.margins(),
        "Left: four losses over the margin. Middle: their slopes. Right: how many training images "
        "have at most which margin: perceptron close to 0, squared error up to about 1, hinge from "
        "1 to 4, cross-entropy up to 10 and more.",
    )


# --- normalization -----------------------------------------------------------------------------


def _norm() -> Iterator[Part]:
    yield Part(
        "Normalization: without it, large weights saturate a layer",
        """
        Four layers with `Tanh`, whose initial weights have the standard deviation 1 and are far too
        large for 64 inputs. The inputs of a tanh then have a standard deviation of several units,
        and its output is at −1 or 1, where its slope is 0. Each column is the histogram of a
        layer's outputs at one step of the training. The mass stays at the two ends: where the slope
        is 0 no gradient passes, and nothing moves the weights back.
        """,
        pictures.outputs_along("none"),
        "Histograms of the outputs of four layers along training. In all of them nearly all values "
        "lie at −1 and at 1, from the first step to the last.",
    )
    yield Part(
        "Normalization: the same network with batch norm",
        """
        `BatchNorm1d` before each tanh subtracts the mean of the batch and divides by its standard
        deviation, unit by unit: x̂ = (x − μ) / σ, then y = γ x̂ + β with learned γ and β. Whatever
        the size of the weights, the tanh gets inputs of mean 0 and standard deviation 1, where its
        slope is not 0. So the initial values and the learning rate matter less, and larger rates
        can be taken. The mean and deviation differ from batch to batch, which acts as noise, too.
        `LayerNorm` does the same over the units of one image, without a batch.
        """,
        pictures.outputs_along("batch"),
        "The same histograms with batch norm: in all layers the values fill the range from −1 to "
        "1, along the whole training.",
    )


# --- initial values ----------------------------------------------------------------------------


def _init(found: Found) -> Part:
    return Part(
        "Initial values: forward and backward through 15 layers",
        """
        A layer of n inputs with weights of the variance v multiplies the variance of its input by
        about n v, and a ReLU takes half of the mean square away. `kaiming_normal_` takes v = 2 / n,
        so that the signal keeps its size. `xavier_uniform_` takes 1 / n for square layers, which
        fits tanh; with ReLU half is lost in each layer. Weights that are too small make the signal
        vanish after a few layers, and with it all gradients; those that are too large make both
        explode. The default of `Linear` is v = 1 / (3 n) with biases that are not 0: enough for two
        hidden layers, little for fifteen.

        With `zeros_` all units are 0, and so is every gradient but that of the last biases. Even
        with another constant, all units of a layer would be alike and get the same gradient, so
        they would stay alike: random values are needed to make them different.

        The table has the size of the gradient in the first layer divided by that in the last,
        before the study's first step.
        """,
        pictures.initial_and_depth(),
        "Left: standard deviation of the outputs of 15 layers. With large weights it rises to "
        "10¹¹, with kaiming_normal_ it stays near 1, with xavier_uniform_ and the default it "
        "falls, with small weights it is 0 after eight layers. Right: gradients, in the same "
        "order; those of small weights are too small to be drawn.",
        _means(found.get("modules"), "init", {"first gradient by last, at the start": "number"}),
    )


# --- tables ------------------------------------------------------------------------------------


def _means(
    results: Results | None, factor: str, columns: Mapping[str, str]
) -> tuple[list[str], list[list[str]]] | None:
    """The means over the finished runs of each level; the other factors are as in the baseline."""
    if results is None:
        return None
    baseline = results.study.arms[0].names
    names = {
        arm.names[factor]: arm.label
        for arm in results.study.arms
        if all(level == baseline[f] for f, level in arm.names.items() if f != factor)
    }
    rows = []
    for level in [level.name for level in results.study.factors[factor]]:
        if level in names:
            runs = [run["values"] for run in results.of(names[level])]
            rows.append([level, *(_mean(runs, c, kind) for c, kind in columns.items())])
    return [factor, *columns], rows


def _mean(runs: list[Mapping[str, float]], column: str, kind: str) -> str:
    values = [run[column] for run in runs if math.isfinite(run.get(column, math.nan))]
    if not values:
        return "–"
    mean = sum(values) / len(values)
    return f"{100 * mean:.1f} %" if kind == "percent" else f"{mean:.3g}"


WITHOUT_WRONG = (
    "Does regularization still help if all labels are right, or with ten times as many images? In "
    '`regularization`, change `"wrong": 0.2` to `0.0`, or `"images": 200` to `2000` with '
    "`--data mnist`."
)
WITH_NORM = (
    "Do the differences between activations grow with batch norm, or vanish? Give `modules` the "
    'line `baseline={"norm": "batch"},`.'
)

explanation = Explanation(
    why="""
    A perceptron's parts do different things. Initial values, activation and normalization decide
    whether signals and gradients arrive in all layers. The optimizer decides how fast a small
    training loss is reached, and in which of many minima. The loss decides what counts as good
    enough. Regularization decides what is not learned.

    Two hidden layers and digits of 8 × 8 pixels are an easy task for the first three: whatever lets
    the gradient through reaches nearly the same accuracy once the learning rate is chosen for it.
    What stops the gradient is seen at once: zeros, weights that are too small, and a loss that is
    content with too little.

    Regularization shows where there is something to learn by heart. With all images and right
    labels there is little, and the first table says so; with few images, a fifth of them labelled
    by chance, there is much, and the second table has larger differences.

    The ablation begins with the levels that had the best mean validation accuracy on digits in the
    first study, all together, and takes each out. (Label smoothing had a better one than
    augmentation, but belongs to the cross-entropy.) Parts need not add up: if two do the same
    thing, such as initial values and batch norm, which both give the layers inputs of a good size,
    the network can do without one of them. So compare what a part costs here with what it gained
    alone.
    """,
    not_shown="""
    It is a network of two hidden layers with 64 units each, on small images. What is best here need
    not be best for deep networks, for convolutions, or with more data: that depth needs other
    initial values and normalization is seen in the pictures, not in the tables. The learning rate
    is chosen from four values, with two runs for each; an arm whose best rate lies outside them
    looks worse than it is. All networks train for the same number of epochs, so what is slow is not
    told from what is bad. Levels of one factor are compared while all others are those of the
    baseline: combinations are not, but for the ablation.
    """,
    questions=(WITHOUT_WRONG, WITH_NORM),
    parts=parts,
)
