"""Parameters of the stage `train`: a whole net trained from pixels, in place of extract's backbone and train_head."""

from typing import Any, Literal

from pydantic import Field, model_validator

from sortline.config.augment import CropParams, DistortionParams
from sortline.config.base import Section

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
    # Linear decay 0.8 -> 0 over 90 epochs, which here are epochs: the report's own were of 90 repeats each.
    "report_mushrooms": {
        "net": "resnet50",
        "zero_last": True,
        "optimizer": "momentum",
        "momentum": 0.9,
        "lr": 0.8,
        "schedule": "linear",
        "warmup_epochs": 0,
        "weight_decay": 1e-4,
        "label_smoothing": 0.1,
        "batch_size": 32,
        "epochs": 90,
        "every": 5,
        "keep": 10,
        "checkpoint": "last",
        "crops": {},
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
        "epochs": 200,
        "patience": 48,
        "checkpoint": "best",
        "augment": {},
    },
}


class TrainParams(Section):
    """How the net is built and trained; a preset's values stand where a key is left out."""

    preset: Literal["report_lenet5", "report_cnn", "report_mushrooms"] | None = Field(
        None, description="the run of a report, by name"
    )
    net: Literal[
        "lenet5",
        "lenet5_1998",
        "lenet5_norm",
        "digits_cnn",
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet101",
        "mobilenet_v2",
    ] = Field("lenet5", description="what is trained; a resnet or mobilenet_v2 needs extract.colour: true")
    mode: Literal["head_v3", "lora_head", "lora_backbone", "partial", "full", "scratch"] | None = Field(
        None, description="mobilenet_v2: what of it trains"
    )
    blocks: int = Field(3, ge=1, le=16, description="lora_backbone, partial: the last so many blocks train")
    rank: int = Field(8, ge=1, le=1280, description="lora_head, lora_backbone: of the update")
    alpha: float = Field(16, gt=0, description="lora_head, lora_backbone: the update counts alpha / rank times")
    start: Literal["fitted", "zero", "random"] = Field(
        "fitted",
        description="mobilenet_v2: the head starts as trained on the frozen backbone's features, at zero, drawn",
    )
    norms: Literal["fixed", "train"] = Field(
        "fixed", description="full: batch norms keep their statistics; train: use those of each batch"
    )
    layer_decay: float = Field(
        1, gt=0, le=1, description="mobilenet_v2: factor of the rate per layer away from the head"
    )
    pooling: Literal["max", "average"] = Field("max", description="lenet5: how maps are halved")
    activation: Literal["relu", "tanh", "sigmoid", "elu"] = Field("relu", description="lenet5")
    c3: Literal["partial", "full"] = Field("partial", description="lenet5_1998: connections of C3")
    zero_last: bool = Field(False, description="resnet: the last batch norm of each block starts at zero")
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
    every: int = Field(1, ge=1, description="a checkpoint is kept of every so many epochs ...")
    keep: int = Field(3, ge=1, le=1000, description="... the latest so many of these, besides best and last")
    augment: DistortionParams = DistortionParams()
    crops: CropParams = CropParams()

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, given: Any) -> Any:
        preset = PRESETS.get(given.get("preset")) if isinstance(given, dict) else None
        if preset is None:
            return given
        if preset.keys() <= given.keys():
            raise ValueError(f"preset {given['preset']} changes nothing: all its keys are set here; leave them out")
        return {**preset, **given}

    @model_validator(mode="after")
    def _mode_and_net(self) -> "TrainParams":
        if (self.net == "mobilenet_v2") != (self.mode is not None):
            raise ValueError("mode goes with net: mobilenet_v2, and that needs a mode")
        given = {"blocks", "rank", "alpha", "start", "norms", "layer_decay"} & self.model_fields_set
        if given and self.mode is None:
            raise ValueError(f"only with a mode of mobilenet_v2: {', '.join(sorted(given))}")
        if self.norms == "train" and self.mode != "full":
            raise ValueError("norms: train goes with mode: full; scratch trains so anyway, the others keep statistics")
        return self

    @model_validator(mode="after")
    def _nothing_chosen_on_val(self) -> "TrainParams":
        if self.on_photos and (self.checkpoint == "best" or self.patience):
            raise ValueError(
                "photos have no test part beside val, so nothing may be chosen on it: checkpoint: last, patience: null"
            )
        return self

    @property
    def on_photos(self) -> bool:
        """Whether the net is one for photos in colour."""
        return self.net.startswith(("resnet", "mobilenet"))

    @property
    def trained_blocks(self) -> int | None:
        """How many of a mobilenet_v2's last blocks train; None: the whole net, from pictures."""
        return {"full": None, "scratch": None, "partial": self.blocks, "lora_backbone": self.blocks}.get(self.mode, 0)

    def net_options(self) -> dict[str, Any]:
        """Return what the net is told: pooling and activation, or c3, or zero_last, or nothing.

        A mobilenet_v2 is told of its weights (finetune.options).
        """
        known = {"lenet5": ("pooling", "activation"), "lenet5_1998": ("c3",)}
        keys = known.get(self.net, ("zero_last",) if self.net.startswith("resnet") else ())
        return {key: getattr(self, key) for key in keys}
