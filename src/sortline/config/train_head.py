"""Parameters of the stage `train_head`."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from sortline.config.base import Section

SOLVERS = ("momentum", "nesterov", "sgd", "adam", "adamw", "nadam", "lbfgs")
# What the solver lbfgs reads too, or only; it takes no notice of the other keys.
FOR_LBFGS = {"solver", "pooling", "views", "seed", "lbfgs_c", "lbfgs_max_iter", "calibrate", "reject_accuracy"}


class TrainHeadParams(Section):
    """How the head is trained on the cached features."""

    solver: Literal[SOLVERS] = Field("momentum", description="an optimiser in MindSpore, or scikit-learn's L-BFGS")
    pooling: Literal["mean", "max", "mean+max", "attention"] = Field(
        "mean", description="what the head sees of a feature map; attention needs extract.pool: none"
    )
    views: int | None = Field(None, ge=1, description="views a photo to train on; null: all that were extracted")
    seed: int = Field(1, ge=0, description="order of the batches, dropout, start of a hidden layer")

    hidden: int | None = Field(None, ge=1, le=8192, description="units of one hidden layer (ReLU); null: none")
    activation: Literal["none", "softmax", "sigmoid"] = Field(
        "none", description="on the logits, before the loss, as in the course's code; only none trains well"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="share of the last layer's inputs set to 0 in training")
    init_from: str | None = Field(None, description="start from this head's .safetensors file, of the same kind")

    lr: float = Field(0.3, gt=0, le=100, description="highest learning rate")
    lr_end: float = Field(0.0, ge=0, description="cosine, square, linear: the rate they fall to")
    schedule: Literal["constant", "cosine", "square", "linear", "step", "exponential"] = Field(
        "cosine", description="decay of the rate after warm-up"
    )
    decay_rate: float = Field(0.9, gt=0, le=1, description="step, exponential: factor ...")
    decay_epochs: float = Field(2, gt=0, description="... per so many epochs")
    warmup_epochs: float = Field(1, ge=0, description="epochs of linear rise to lr")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum, nesterov: factor; adam, adamw, nadam: beta1")
    beta2: float = Field(0.999, ge=0, lt=1, description="adam, adamw, nadam")
    weight_decay: float = Field(1e-3, ge=0, description="L2 on the weights, not on the biases; adamw: decoupled")
    clip_norm: float | None = Field(None, gt=0, description="largest L2 norm of a step's gradient; null: any")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the target spread over the other classes")
    bin_share: float = Field(0.0, ge=0, le=1, description="share of that which stays inside the class's own bin")
    class_weights: Literal["none", "balanced"] = Field("none", description="balanced: every class weighs the same")
    batch_size: int = Field(128, ge=1)
    epochs: int = Field(30, ge=1, le=10_000)
    patience: int | None = Field(
        None, ge=1, description="stop when the loss on an inner grouped tenth has not fallen for so many epochs"
    )
    checkpoint: Literal["last", "best"] = Field("last", description="best is by out-of-fold accuracy")
    keep_checkpoints: int = Field(0, ge=0, description="also keep the heads of the last so many epochs")

    lbfgs_c: list[Annotated[float, Field(gt=0)]] = Field(
        [0.3, 1.0, 3.0], min_length=1, description="lbfgs: inverse L2 strengths tried on the folds"
    )
    lbfgs_max_iter: int = Field(300, ge=1, description="lbfgs: iterations at most")

    calibrate: bool = Field(True, description="divide the logits by the temperature of least out-of-fold log-loss")
    reject_accuracy: float | None = Field(
        0.98, gt=0, lt=1, description="say 'not sure' below the probability above which this share is right out of fold"
    )
    chosen_on_folds: list[str] = Field([], description="keys above that somebody chose by looking at cv_accuracy")

    @field_validator("chosen_on_folds")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        unknown = set(names) - set(cls.model_fields)
        if unknown:
            raise ValueError(f"no key of train_head: {', '.join(sorted(unknown))}")
        return names

    @model_validator(mode="after")
    def _together(self) -> "TrainHeadParams":
        if self.patience and self.checkpoint == "best":
            raise ValueError("with patience the inner tenth chooses the epoch; set checkpoint: last")
        if self.solver == "lbfgs" and (self.pooling == "attention" or self.hidden or self.activation != "none"):
            raise ValueError("lbfgs trains linear heads only: no attention, hidden or activation")
        if self.lr_end > self.lr:
            raise ValueError("lr_end is over lr")
        return self
