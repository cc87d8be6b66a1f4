"""Images: three optimizers on handwritten digits, and a convolutional network on photographs.

`mnist` trains one small network by plain gradient descent, momentum and Adam, each with the best of
three learning rates: all three should read at least 98 % of the test digits, and the question is
how soon. `cifar10` trains a convolutional network on photographs of ten kinds of things, with and
without augmentation, within ten minutes of one core: at least 75 % of the test photographs should
be recognized. Every run leaves its model in a file, which is read again for this page.
"""

from __future__ import annotations

from dlframe.study.experiments.images.inside import parts
from dlframe.study.experiments.images.training import (
    OPTIMIZERS,
    rates,
    run_descent,
    run_photographs,
)
from dlframe.study.explanation import Explanation
from dlframe.study.study import Study

__all__ = ["cifar10", "explanation", "mnist"]

DATA = ("mnist", "cifar10", "digits")  # what --data may be

mnist = Study(
    run_descent,
    {"optimizer": list(OPTIMIZERS)},
    measure="test_accuracy",
    tune=rates,
    tune_by="val_accuracy",
    tuning_runs=1,
    seeds=3,
    name="mnist",
)

cifar10 = Study(
    run_photographs,
    {"augmentation": ["none", "augmented"]},
    measure="test_accuracy",
    baseline={"augmentation": "none"},
    seeds=2,
    name="cifar10",
)

explanation = Explanation(
    why=(
        "A convolutional network looks at every place of an image with the same small filters, and "
        "then with filters at what those found. So it needs few weights, and what it learned in "
        "one place it knows in all others.\n\n"
        "The three optimizers go down the same surface from the same place. Plain descent takes "
        "each gradient as it is. Momentum adds up the gradients that agree, and Adam measures them "
        "by their own size; both get along a flat valley faster. Once all are near its end, little "
        "is left of the difference, and then the data and the network decide what is reached."
    ),
    not_shown=(
        "Neither network is the best that is known for its images: both were made small, so that a "
        "run takes minutes on one core. The optimizers are compared on one network, with one "
        "schedule and three rates for each; on deeper networks, or with a rate that stays as it "
        "is, the order may be another. The intervals of precision and recall are those of one "
        "model on these test images. How much another training would differ is seen in the runs, "
        "which are two or three for each arm: too few for fine differences."
    ),
    questions=(
        (
            "Is plain descent behind only because of its rate? In `rates` in `images/training.py`, "
            "give `plain` rates of `[0.2, 0.5, 1.0]` and look at its accuracy after one epoch."
        ),
        (
            "Does it help to mirror digits? In `PICTURES` in `images/training.py` write "
            "`mirrored=True` into the line of `digits`, and run `dlframe study images --data "
            "digits` again: do the arms of `cifar10` differ more, and which digits are confused?"
        ),
    ),
    parts=parts,
)
