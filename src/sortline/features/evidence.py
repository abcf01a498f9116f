"""Class activation maps: which positions of a feature map speak for a class."""

import numpy as np

from sortline.features.heads import MAPS, Head


def channel_weights(head: Head, feature_map: np.ndarray, label: int) -> np.ndarray:
    """Return how much the logit of `label` (before any activation) rises with each pooled channel, float32 (C,).

    `feature_map` float32 (C, h, w) says which hidden units are at work; a linear head does not look at it.
    """
    weight = head.weight[label]
    if head.hidden_weight is not None:
        flat = feature_map.reshape(len(feature_map), -1)
        seen = feature_map if head.pooling in MAPS else np.stack((flat.mean(1), flat.max(1)))
        units = head.hidden_weight @ head.features(seen[None])[0] + head.hidden_bias
        weight = (weight * (units > 0)) @ head.hidden_weight
    if head.pooling == "mean+max":
        return weight.reshape(2, -1).sum(0)
    return weight


def class_activation(head: Head, feature_map: np.ndarray, label: int) -> np.ndarray:
    """Return the evidence for `label` at each position, float32 (h, w), 0 where there is none.

    For a linear head on the mean, Zhou et al. 2016, arXiv:1512.04150. For the others it is Grad-CAM (Selvaraju et al.
    2017, arXiv:1610.02391) times the number of positions: whatever the pooling, the gradient's mean over the positions
    is the pooled channel's divided by their number. Of "se" and "cbam" it is that of the map that the gates leave.
    """
    seen = feature_map if head.squeeze_weight is None else head.gated(feature_map[None])[0]
    evidence = np.tensordot(channel_weights(head, feature_map, label), seen, 1)
    return np.maximum(evidence, 0).astype(np.float32)
