"""Parameters of the stage `train`: a whole net trained from pixels, in place of extract's backbone and train_head."""

from typing import Any, Literal

from pydantic import Field, model_validator

from sortline.params.base import Section

# The reports' runs. A preset gives the keys that are left out.
PRESETS: dict[str, dict[str, Any]] = {
    "report_lenet5": {
        "net": "lenet5",
        "optimizer": "momentum",
        "momentum": 0.9,
        "lr": 0.01,
        "schedule": "constant",
        "warmup_epochs": 0,
        "weight_decay": 0,
        "batch_size": 32,
        "epochs": 3,
        "checkpoint": "last",
        "augment": {},
    },
    "report_cnn": {
        "net": "digits_cnn",
        "optimizer": "adam",
        "lr": 3e-4,
        "schedule": "step",
        "warmup_epochs": 0,
        "decay_rate": 0.9,
        "decay_epochs": 2,
        "weight_decay": 1e-5,
        "clip_norm": 10,
        "batch_size": 16,
        "patience": 48,
        "checkpoint": "best",
        "augment": {},
    },
}


class AugmentParams(Section):
    shift: float = Field(0, ge=0, le=16, description="pixels at most, either way")
    rotation: float = Field(0, ge=0, le=180, description="degrees at most, either way")
    scale: float = Field(0, ge=0, lt=1, description="width and height times 1 - x to 1 + x")
    shear: float = Field(0, ge=0, le=60, description="degrees at most, either way")
    elastic: float = Field(0, ge=0, le=200, description="strength of elastic distortion, pixels before smoothing")
    elastic_sigma: float = Field(4, ge=1, le=20, description="pixels over which its field is smoothed")


class TrainParams(Section):
    """How the net is built and trained; a preset's values stand where a key is left out."""

    preset: Literal["report_lenet5", "report_cnn"] | None = Field(None, description="the run of a report, by name")
    net: Literal["lenet5", "lenet5_1998", "digits_cnn"] = Field("lenet5", description="what is trained")
    pooling: Literal["max", "average"] = Field("max", description="lenet5: how maps are halved")
    activation: Literal["relu", "tanh", "sigmoid", "elu"] = Field("relu", description="lenet5")
    c3: Literal["partial", "full"] = Field("partial", description="lenet5_1998: connections of C3")
    seed: int = Field(0, ge=0, description="of the first weights, the order of the batches, the augmentation")

    optimizer: Literal["momentum", "nesterov", "sgd", "adam", "adamw", "nadam"] = Field("momentum")
    lr: float = Field(0.01, gt=0, le=100, description="highest learning rate")
    schedule: Literal["constant", "cosine", "square", "linear", "step", "exponential"] = Field(
        "cosine", description="of the learning rate, after the warm-up"
    )
    warmup_epochs: float = Field(1, ge=0, description="epochs of linear rise to lr")
    lr_end: float = Field(0, ge=0, description="cosine, square, linear: where the rate ends")
    decay_rate: float = Field(0.9, gt=0, le=1, description="step, exponential: factor every decay_epochs epochs")
    decay_epochs: float = Field(2, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1, description="also the adaptive ones' beta1")
    beta2: float = Field(0.999, ge=0, lt=1, description="adam, adamw, nadam")
    weight_decay: float = Field(0, ge=0, description="L2 on the weights, not on biases; adamw: apart from the gradient")
    clip_norm: float | None = Field(None, gt=0, description="largest norm of the gradient; null: any")
    label_smoothing: float = Field(0, ge=0, lt=1, description="share of the target spread over the other classes")
    batch_size: int = Field(32, ge=1)
    epochs: int = Field(20, ge=1, le=10_000)
    patience: int | None = Field(
        None, ge=1, description="epochs without a better val score before it stops; null: none"
    )
    checkpoint: Literal["last", "best"] = Field("best", description="which is used; best is by val accuracy")
    keep: int = Field(3, ge=1, le=1000, description="latest epochs whose checkpoints are kept, besides best and last")
    augment: AugmentParams = AugmentParams()

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, given: Any) -> Any:
        preset = PRESETS.get(given.get("preset")) if isinstance(given, dict) else None
        return given if preset is None else {**preset, **given}

    def net_options(self) -> dict[str, str]:
        """Return what the net is told: pooling and activation, or c3, or nothing."""
        keys = {"lenet5": ("pooling", "activation"), "lenet5_1998": ("c3",), "digits_cnn": ()}[self.net]
        return {key: getattr(self, key) for key in keys}
