"""What a task has trained, a head on Feature Maps or a whole net, behind one function: its answers."""

from pathlib import Path

import numpy as np

from sortline._core.files import read_json
from sortline._core.sessions import session
from sortline.data.prepared import Part
from sortline.features import store
from sortline.features.heads import load_head, softmax


def is_net(folder: Path) -> bool:
    """Whether models/<task>/head holds a whole net, not a head."""
    return "net" in read_json(folder / "head.json")


def probabilities(folder: Path, features: Path, held: Part, dataset: str, checkpoint: str | None = None) -> np.ndarray:
    """Return probabilities float64 (n, classes) of the held-out photos by `checkpoint`; None: that of head.json.

    Raises `UserError` where the features are of other photos, or a file is damaged.
    """
    if not is_net(folder):
        head = load_head(folder, checkpoint)
        what = "maps" if head.pooling == "attention" else "pooled"
        stored = store.read(features, held.total, dataset, what)
        return head.probabilities(stored[:, 0][held.places])
    # MindSpore takes seconds to load.
    from sortline.nets import registry
    from sortline.training import inputs

    net, stored = load_net(folder, checkpoint), inputs.read(features, held.total, dataset)
    return softmax(registry.predictor(stored.part(net))(stored.feed(net, held.places)))


def load_net(folder: Path, checkpoint: str | None = None):
    """Return the net of models/<task>/head, `checkpoint` or the one that head.json names, in inference mode."""
    from sortline._core import runtime
    from sortline.nets import registry

    runtime.prepare()
    about = read_json(folder / "head.json")
    net = registry.build(about["net"], about["classes"], about["options"])
    path = folder / f"{checkpoint or about['checkpoint']}.safetensors"
    registry.set_values(net, registry.read(path), path)
    net.set_train(False)
    return net


class NetSession:
    """A trained net in ONNX Runtime, to be called from several threads: what `Mapper` and `Head` are to a head."""

    pooling = "pixels"

    def __init__(self, folder: Path) -> None:
        from sortline._core import graphs
        from sortline.nets import registry

        self.size: int = read_json(folder / "head.json")["image_size"]
        net = load_net(folder)
        self._preprocessing = registry.preprocessing(net)
        shape = (1, self._preprocessing.scale.size, self.size, self.size)
        self._session = session(graphs.to_onnx(net, shape, ("logits",)))

    def features(self, pictures: np.ndarray, pooling: str) -> np.ndarray:
        """Return the net's input, float32 (n, 1 or 3, S, S), of uint8 RGB (n, S, S, 3)."""
        return self._preprocessing(pictures)

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Map what `features` returns to logits float32 (n, classes)."""
        return self._session.run(["logits"], {"x": features})[0]
