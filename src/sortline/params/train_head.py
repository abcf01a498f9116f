"""Parameters of the stage `train_head`."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from sortline.params.base import Section


class TrainHeadParams(Section):
    """How the head is trained on the cached features."""

    solver: Literal["momentum", "lbfgs"] = Field("momentum", description="momentum: MindSpore; lbfgs: scikit-learn")
    pooling: Literal["mean", "max", "mean+max"] = Field("mean", description="what the head sees of a feature map")
    views: int | None = Field(None, ge=1, description="views a photo to train on; null: all that were extracted")
    seed: int = Field(1, ge=0, description="order of the batches")

    lr: float = Field(0.3, gt=0, le=100, description="momentum: highest learning rate")
    schedule: Literal["cosine", "constant"] = Field("cosine", description="momentum: decay of the rate after warm-up")
    warmup_epochs: float = Field(1, ge=0, description="momentum: epochs of linear rise to lr")
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(1e-3, ge=0, description="momentum: L2 on the weights, not on the bias")
    label_smoothing: float = Field(
        0.1, ge=0, lt=1, description="momentum: share of the target spread over the other classes"
    )
    batch_size: int = Field(128, ge=1)
    epochs: int = Field(30, ge=1, le=10_000)
    checkpoint: Literal["last", "best"] = Field("last", description="momentum: best is by out-of-fold accuracy")

    lbfgs_c: list[Annotated[float, Field(gt=0)]] = Field(
        [0.3, 1.0, 3.0], min_length=1, description="lbfgs: inverse L2 strengths tried on the folds"
    )
    lbfgs_max_iter: int = Field(300, ge=1, description="lbfgs: iterations at most")

    calibrate: bool = Field(True, description="divide the logits by the temperature of least out-of-fold log-loss")
    chosen_on_folds: list[str] = Field([], description="keys above that somebody chose by looking at cv_accuracy")

    @field_validator("chosen_on_folds")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        unknown = set(names) - set(cls.model_fields)
        if unknown:
            raise ValueError(f"no key of train_head: {', '.join(sorted(unknown))}")
        return names
