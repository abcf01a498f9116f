"""The head as an estimator of scikit-learn, for its pipelines, grids and cross-validation."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from sortline._core.errors import UserError
from sortline.library.heads import FittedHead, fit_head


class SortlineClassifier(ClassifierMixin, BaseEstimator):
    """A calibrated head on features (n, D), fitted as the stage `train_head` does.

    `optimizer`: "lbfgs", whose strengths `lbfgs_c` are tried out of fold, or one that MindSpore runs; `params`: further
    keys of the stage, as a mapping. `fit` also takes `groups`: rows of one group come into one fold. Mistakes raise
    ValueError, as scikit-learn's estimators do.
    """

    fitted_: FittedHead

    def __init__(
        self,
        optimizer: str = "lbfgs",
        lbfgs_c: tuple[float, ...] = (0.3, 1.0, 3.0),
        folds: int = 5,
        calibrate: bool = True,
        seed: int = 1,
        params: dict[str, Any] | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.lbfgs_c = lbfgs_c
        self.folds = folds
        self.calibrate = calibrate
        self.seed = seed
        self.params = params

    def fit(self, X: Any, y: Any, groups: Any = None) -> "SortlineClassifier":
        X, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        own = {"optimizer": self.optimizer, "lbfgs_c": list(self.lbfgs_c), "calibrate": self.calibrate}
        try:
            self.fitted_ = fit_head(X, y, groups, self.folds, **{**own, "seed": self.seed, **(self.params or {})})
        except UserError as error:
            raise ValueError(str(error)) from None
        self.classes_ = self.fitted_.classes
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities, float64 (n, k), in the order of `classes_`."""
        check_is_fitted(self)
        return self.fitted_.probabilities(validate_data(self, X, dtype=np.float32, reset=False))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable label of each row, (n,)."""
        index = self.predict_proba(X).argmax(1)
        return self.classes_[index]
