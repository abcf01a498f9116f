"""Parameters of training: what a head and a net share, then those of the stages `train_head` and `train`."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, ValidatorFunctionWrapHandler, field_validator, model_validator

from sortline.config.augment import CropParams, DistortionParams
from sortline.config.base import Section, Track
from sortline.config.presets import PRESETS

Optimizer = Literal["momentum", "nesterov", "sgd", "adam", "adamw", "nadam", "rmsprop"]
Loss = Literal["cross_entropy", "mse", "gce", "bootstrapped"]
Schedule = Literal["constant", "cosine", "square", "linear", "step", "exponential"]
Resnet = Literal["resnet18", "resnet34", "resnet50", "resnet101"]
Pretrained = Literal["mobilenet_v2", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2",
                     "efficientnet_lite3", "efficientnet_lite4"]  # fmt: skip
Net = Literal["lenet5", "lenet5_1998", "lenet5_norm", "digits_cnn", "dense", Resnet, Pretrained]
BACKBONE = "backbone"  # may have been chosen by the score, too
# The keys whose defaults differ between a head and a net.
Rate = Annotated[float, Field(gt=0, le=100, description="highest learning rate")]
WeightDecay = Annotated[float, Field(ge=0, description="L2, not on biases and batch norm; adamw: decoupled")]
Smoothing = Annotated[float, Field(ge=0, lt=1, description="share of the target spread over the other classes")]
BatchSize = Annotated[int, Field(ge=1, description="examples a step")]
Epochs = Annotated[int, Field(ge=1, le=10_000, description="passes over the train set")]
Mode = Literal["head_v3", "lora_head", "lora_backbone", "partial", "full", "scratch"]
BestOrLast = Literal["last", "best"]
Checkpoint = Annotated[BestOrLast, Field(description="used; best: of highest accuracy out of fold, a net's on val")]
Keep = Annotated[int, Field(ge=0, le=1000, description="checkpoints of so many latest epochs stay, besides best, last")]
Scale = Annotated[float, Field(gt=0)]
LossScale = Annotated[Scale | Literal["dynamic"], Field(description="amp: factor of the loss, so no gradient vanishes")]
Strength = Annotated[float, Field(gt=0, description="inverse L2 strength")]
Seed = Annotated[int, Field(ge=0, description="of the first weights, the order of the batches, dropout, augmentation")]


class Sureness(Section):
    """What is fitted on out-of-fold predictions, after training, and what was chosen by looking at them."""

    calibrate: bool = Field(True, description="divide the logits by the temperature of minimum out-of-fold log-loss")
    # "Not sure" is said below the probability above which this share is correct, out of fold.
    reject_accuracy: float | None = Field(0.98, gt=0, lt=1, description="minimum accuracy of what counts as sure")

    chosen_on_folds: list[str] = Field([], description="backbone, and keys here, chosen by looking at cv_accuracy")

    @field_validator("chosen_on_folds")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        unknown = set(names) - {BACKBONE, *cls.model_fields}
        if unknown:
            raise ValueError(f"no key of this section, nor {BACKBONE}: {', '.join(sorted(unknown))}")
        return names


class Recipe(Section):
    """How anything is trained by gradient steps: what the loop takes, whatever the model."""

    optimizer: Optimizer = Field("momentum", description="what makes a step of a gradient")
    lr: Rate = 0.01
    lr_end: float = Field(0, ge=0, description="cosine, square, linear: the rate they fall to")
    schedule: Schedule = Field("cosine", description="of the learning rate, after the warm-up")
    decay_rate: float = Field(0.9, gt=0, le=1, description="step, exponential: factor ...")
    decay_epochs: float = Field(2, gt=0, description="... per so many epochs")
    warmup_epochs: float = Field(1, ge=0, description="epochs of linear rise to lr")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum, nesterov, rmsprop: factor; the others: beta1")
    beta2: float = Field(0.999, ge=0, lt=1, description="adam, adamw, nadam; rmsprop: alpha")
    weight_decay: WeightDecay = 0
    loss: Loss = Field("cross_entropy", description="of the outputs and the targets; mse: mean squared error")
    # Both stand less by labels that may be wrong. Zhang and Sabuncu 2018, arXiv:1805.07836; Reed et al. 2015,
    # arXiv:1412.6596; each default is its paper's.
    gce_q: float = Field(0.7, ge=0.01, le=1, description="gce: towards 0 cross-entropy, at 1 absolute error")
    bootstrap_beta: float = Field(0.95, gt=0, le=1, description="bootstrapped: share of the target in what is learnt")
    clip_norm: float | None = Field(None, gt=0, description="largest L2 norm of a step's gradient; null: any")
    label_smoothing: Smoothing = 0
    class_weights: Literal["none", "balanced"] = Field("none", description="balanced: every class weighs the same")
    batch_size: BatchSize = 32
    epochs: Epochs = 20
    # Polyak and Juditsky 1992.
    ema: float | None = Field(None, gt=0, lt=1, description="weights are a moving average, this factor a step")
    # Of a head by the loss on an inner grouped tenth, of a net by the accuracy on val.
    patience: int | None = Field(None, ge=1, description="stop after so many epochs that brought nothing; null: never")
    checkpoint: Checkpoint = "best"
    keep: Keep = 3
    seed: Seed = 0

    @model_validator(mode="after")
    def _rates(self) -> "Recipe":
        if self.lr_end > self.lr:
            raise ValueError("lr_end is over lr")
        if self.loss == "mse" and self.class_weights == "balanced":
            raise ValueError("class_weights: balanced scales the targets, which mse would learn; set it to none")
        return self


class HeadRecipe(Recipe):
    """The same, with what suits a linear head on frozen features."""

    lr: Rate = 0.1
    weight_decay: WeightDecay = 1e-2
    label_smoothing: Smoothing = 0.1
    batch_size: BatchSize = 512
    epochs: Epochs = 30
    checkpoint: Checkpoint = "last"
    keep: Keep = 0
    seed: Seed = 1


class GeneratedParams(Section):
    """Features that are made up, of each fold's other photos alone, for the head to learn from beside the photos'."""

    # Copies of rows; normal numbers of the class's own mean and spread; nets, see training/vae.py and training/gan.py.
    by: Literal["none", "copies", "noise", "vae", "gan"] = Field("none", description="what makes more of a class")
    count: Annotated[int, Field(ge=1, le=10_000)] | Literal["even"] = Field(
        40, description="of each class; even: as many as it has fewer than the largest class"
    )


# What lbfgs reads too, or only; it takes no notice of the other keys.
FOR_LBFGS = {"optimizer", "pooling", "views", "seed", "class_weights", "calibrate", "reject_accuracy", "lbfgs_c",
             "lbfgs_max_iter", "track"}  # fmt: skip
FOR_MODES = {"blocks", "rank", "alpha", "start", "head", "norms", "layer_decay", "start_share", "out_of_fold",
             "contrastive", "simclr"}  # fmt: skip


class ContrastParams(Section):
    """Rows of a class are drawn together, and from the others: Khosla et al. 2020, arXiv:2004.11362, whose temperature
    the default is. Of a head in the hidden layer; of a net in its features, beside the loss of the classes as Gunel et
    al. 2021, arXiv:2011.01403, have it."""

    share: float = Field(0.0, ge=0, lt=1, description="of the loss; of a head, needs hidden")
    temperature: float = Field(0.1, ge=0.01, le=10, description="that the cosines are divided by")


class SimclrParams(Section):
    """Two views of a photo are told from those of all others, without a label: Chen et al. 2020, arXiv:2002.05709."""

    epochs: Epochs = 5
    lr: Rate = 0.02
    batch_size: BatchSize = 128
    # Its best for small pictures; 0.1 for ImageNet.
    temperature: float = Field(0.5, ge=0.01, le=10, description="that the cosines are divided by")
    width: int = Field(128, ge=1, le=8192, description="of what two dense layers make of the features, to be compared")


class PseudoParams(Section):
    """Photos without labels: what of them teaches a head (Lee 2013; Sohn et al. 2020, arXiv:2001.07685)."""

    threshold: float = Field(0.95, ge=0, le=1, description="least probability of a label that is taken; 0: every label")
    views: Literal["others", "all"] = Field("others", description="that teach it; others: not the plain one, labelled")
    rounds: int = Field(1, ge=1, le=10, description="how often a head labels them for the next one")


class TrainHeadParams(HeadRecipe, Sureness):
    """How the head is trained on the cached features: `<task>.train_head`."""

    renamed: ClassVar[dict[str, str]] = {"solver": "optimizer", "keep_checkpoints": "keep"}

    # Gradient steps in MindSpore, or scikit-learn's L-BFGS.
    optimizer: Literal[Optimizer, "lbfgs"] = "momentum"  # type: ignore[assignment]
    batch_size: BatchSize = 128
    # Attention and cbam need extract.pool: none. Hu et al. 2018, arXiv:1709.01507; Woo et al. 2018, arXiv:1807.06521.
    pooling: Literal["mean", "max", "mean+max", "attention", "se", "cbam"] = Field(
        "mean", description="of a feature map"
    )
    views: int | None = Field(None, ge=1, description="views a photo to train on; null: all that were extracted")
    hidden: int | None = Field(None, ge=1, le=8192, description="units of one hidden layer (ReLU); null: none")
    # As in the course's code; only none trains well.
    activation: Literal["none", "softmax", "sigmoid"] = Field("none", description="on the logits, before the loss")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of the last layer's inputs set to 0 in training")
    # Zhang et al. 2018, arXiv:1710.09412; a row that is mixed of two teaches the folds that may see both.
    mixup: float = Field(0, ge=0, le=10, description="a of Beta(a, a), by which rows of a batch are mixed; 0: not")
    # Yun et al. 2019, arXiv:1905.04899: boxes of positions; with pooling: attention or cbam.
    cutmix: float = Field(0, ge=0, le=10, description="a of Beta(a, a): the share of a map that stays; 0: not")
    init_from: str | None = Field(None, description="start from this head's .safetensors file, of the same kind")
    bin_share: float = Field(0.0, ge=0, le=1, description="share of the smoothing that stays inside the class's bin")
    bin_loss: float = Field(0.0, ge=0, lt=1, description="share of the loss that is of the bins' summed probabilities")
    contrastive: ContrastParams = ContrastParams()
    generated: GeneratedParams = GeneratedParams()
    pseudo: PseudoParams | None = Field(None, description="learn from photos without labels too; null: no")
    lbfgs_c: list[Strength] = Field([0.3, 1.0, 3.0], min_length=1, description="lbfgs: tried on the folds")
    lbfgs_max_iter: int = Field(300, ge=1, description="lbfgs: maximum of iterations")
    track: Track = "none"

    @model_validator(mode="after")
    def _together(self) -> "TrainHeadParams":
        lbfgs, maps, contrast = self.optimizer == "lbfgs", self.pooling in ("attention", "cbam"), self.contrastive.share
        other = self.loss != "cross_entropy" or self.bin_loss
        beyond = maps or self.pooling == "se" or self.hidden or self.activation != "none" or other
        faults = {
            "with patience the inner tenth chooses the epoch; set checkpoint: last":
                self.patience and self.checkpoint == "best",
            "lbfgs trains linear heads by cross-entropy only: no attention, se, cbam, hidden, activation, bin_loss":
                lbfgs and beyond,
            "lbfgs learns from labelled photos alone: take another optimizer, or pseudo: null": lbfgs and self.pseudo,
            "generated features are pooled ones, for heads that gradient steps train; set by: none":
                self.generated.by != "none" and (lbfgs or maps),
            "cutmix mixes positions of maps: it goes with pooling: attention or cbam, and mixup: 0":
                self.cutmix and (not maps or self.mixup),
            "a mixed row is of no one class, which contrastive goes by; set its share, or mixup and cutmix, to 0":
                contrast and (self.mixup or self.cutmix),
            "contrastive acts on a hidden layer; set hidden, or contrastive.share to 0": contrast and not self.hidden,
            "bin_loss and contrastive.share leave nothing for the loss of the classes": self.bin_loss + contrast >= 1,
            "bin_loss goes by probabilities, which mse does not train; set it to 0":
                self.loss == "mse" and self.bin_loss,
        }  # fmt: skip
        for why, wrong in faults.items():
            if wrong:
                raise ValueError(why)
        return self


class TrainParams(Recipe, Sureness):
    """How a whole net is built and trained: `<task>.train`; a preset's values stand where a key is left out."""

    preset: Literal["report_lenet5", "report_cnn", "report_mushrooms", "two_phase"] | None = Field(
        None, description="a run by name"
    )
    # A list of pretrained ones, joined, is kept as one name with a + between theirs.
    net: Net = Field("lenet5", description="what is trained; a net of photos needs extract.colour: true")
    mode: Mode | None = Field(None, description="pretrained nets: what of them trains")
    # null: as many as extract.upto kept the maps before, of pictures 3.
    blocks: int | None = Field(None, ge=1, le=16, description="lora_backbone, partial: the last so many blocks train")
    rank: int = Field(8, ge=1, le=1280, description="lora_head, lora_backbone: of the update")
    alpha: float = Field(16, gt=0, description="lora_head, lora_backbone: the update counts alpha / rank times")
    # Fitted: on the frozen backbone's features.
    start: Literal["fitted", "zero", "random"] = Field("fitted", description="mode: how the head starts")
    head: HeadRecipe = Field(HeadRecipe(), description="start: fitted: how that head is trained")
    norms: Literal["fixed", "train"] = Field("fixed", description="full: statistics of batch norms: kept, each batch's")
    layer_decay: float = Field(1, gt=0, le=1, description="mode: factor of the rate per layer below the head")
    # WiSE-FT, Wortsman et al. 2022, arXiv:2109.01903.
    start_share: float = Field(0, ge=0, lt=1, description="mode: share of the first weights in the last ones")
    out_of_fold: bool = Field(False, description="mode: also train once a fold, to score, calibrate, say what is sure")
    pooling: Literal["max", "average"] = Field("max", description="lenet5: how maps are halved")
    activation: Literal["relu", "tanh", "sigmoid", "elu"] = Field("relu", description="lenet5")
    c3: Literal["partial", "full"] = Field("partial", description="lenet5_1998: connections of C3")
    precision: Literal["fp32", "amp"] = Field("fp32", description="amp: convolutions and dense layers in float16")
    loss_scale: LossScale = 1024.0
    zero_last: bool = Field(False, description="resnet: the last batch norm of each block starts at zero")
    every: int = Field(1, ge=1, description="of every so many epochs there is a checkpoint to keep")
    # Zhang et al. 2018, arXiv:1710.09412: of pictures, or of the maps that are trained on.
    mixup: float = Field(0, ge=0, le=10, description="a of Beta(a, a), by which examples of a batch are mixed; 0: not")
    contrastive: ContrastParams = ContrastParams()
    simclr: SimclrParams | None = Field(None, description="what trains first learns so; null: it does not")
    augment: DistortionParams = DistortionParams()
    crops: CropParams = CropParams()
    track: Track = "none"

    @field_validator("net", mode="wrap")
    @classmethod
    def _joined(cls, given: Any, valid: ValidatorFunctionWrapHandler) -> str:
        if not isinstance(given, list):
            return valid(given)
        names = [valid(name) for name in given]
        if len(names) < 2 or len(set(names)) < len(names) or set(names) - {*get_args(Pretrained)}:
            raise ValueError(f"a list joins two or more of {', '.join(get_args(Pretrained))}, each once")
        return "+".join(names)

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, given: Any) -> Any:
        name = given.get("preset") if isinstance(given, dict) else None
        preset = PRESETS.get(name) if isinstance(name, str) else None
        if preset is None:
            return given
        if preset.keys() <= given.keys():
            raise ValueError(f"preset {name} changes nothing: all its keys are set here; leave them out")
        return {**preset, **given}

    @model_validator(mode="after")
    def _together(self) -> "TrainParams":
        joined = "+" in self.net
        if (joined or self.net in get_args(Pretrained)) != (self.mode is not None):
            raise ValueError(f"mode goes with a pretrained net ({', '.join(get_args(Pretrained))}), which needs one")
        given = (FOR_MODES | Sureness.model_fields.keys()) & self.model_fields_set
        if given and self.mode is None:
            raise ValueError(f"only with a mode of a pretrained net: {', '.join(sorted(given))}")
        if (given := Sureness.model_fields.keys() & self.model_fields_set) and not self.out_of_fold:
            raise ValueError(f"only with out_of_fold: true: {', '.join(sorted(given))}")
        if joined and (self.mode != "partial" or self.layer_decay != 1 or self.simclr or self.contrastive.share):
            raise ValueError("joined nets go with mode: partial, layer_decay: 1, simclr: null, contrastive.share: 0")
        if self.norms == "train" and self.mode != "full":
            raise ValueError("norms: train goes with mode: full; scratch trains so anyway, the others keep statistics")
        if self.contrastive.share and (self.mixup or self.mode in ("head_v3", "lora_head")):
            raise ValueError("contrastive needs a mode that trains the backbone, and mixup: 0, as a mix has no class")
        if self.simclr and self.mode not in ("partial", "full"):
            raise ValueError("simclr goes with mode: partial or full; set it to null")
        if self.on_photos and (self.checkpoint == "best" or self.patience):
            raise ValueError(
                "photos have no test part beside val, so nothing may be chosen on it: checkpoint: last, patience: null"
            )
        return self

    @property
    def on_photos(self) -> bool:
        return self.net.startswith(("resnet", "mobilenet", "efficientnet"))

    def net_options(self) -> dict[str, Any]:
        """Return what the net is told: pooling and activation, or c3, or zero_last, or nothing."""
        known = {"lenet5": ("pooling", "activation"), "lenet5_1998": ("c3",)}
        keys = known.get(self.net, ("zero_last",) if self.net.startswith("resnet") else ())
        return {key: getattr(self, key) for key in keys}
