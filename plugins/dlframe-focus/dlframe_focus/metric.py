"""A metric that is low if a rare class is missed."""

from __future__ import annotations

from dlframe.metrics import ConfusionMatrix


class MatthewsCorrelation(ConfusionMatrix):
    """The correlation between true and predicted classes: 1 is perfect, 0 no better than chance.

    With s samples, c of them right, and each class k predicted p_k times and true t_k times:
    (c s − Σ p_k t_k) / √((s² − Σ p_k²)(s² − Σ t_k²)). A model that always answers with the most
    frequent class has 0, however high its accuracy. NaN before the first sample.

    Source: Gorodkin, *Comparing two K-category assignments by a K-category correlation
    coefficient*, Comput. Biol. Chem. 28 (2004); for two classes Matthews (1975).

        >>> import numpy as np
        >>> metric = MatthewsCorrelation(num_classes=2)
        >>> metric.update(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1]))
        >>> metric.compute()  # three of four right, and nothing learned
        0.0
    """

    def __init__(self, num_classes: int | None = None, **options) -> None:
        super().__init__(num_classes, **{"name": "matthews_correlation", **options})

    def compute(self) -> float:
        counts = self.state.astype(float)
        samples, right = counts.sum(), counts.trace()
        if samples == 0:
            return float("nan")
        true, predicted = counts.sum(axis=1), counts.sum(axis=0)
        spread = (samples**2 - predicted @ predicted) * (samples**2 - true @ true)
        if spread == 0:  # with a single class on one side there is no correlation
            return 0.0
        return float((right * samples - true @ predicted) / spread**0.5)
