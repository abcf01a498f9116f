"""Made tabby_cat.npz, the oracle's numbers for the real backbone (no picture, no weights). Run by hand, not by tests.

`python make_tabby_cat.py GOLDEN` where GOLDEN is the `golden_tabby_cat.npz` that came with the weights: features of
`images/tabby_cat_224.png` computed by another framework from `weights/mobilenet_v2_1.0_224_imagenet.safetensors`.
"""

import sys
from pathlib import Path

import numpy as np

source = np.load(sys.argv[1], allow_pickle=False)
names = {"mean": "feature_map_mean", "max": "feature_map_max", "corner": "feature_map_corner", "logits": "logits"}
target = Path(__file__).with_name("tabby_cat.npz")
np.savez_compressed(target, **{ours: source[theirs] for ours, theirs in names.items()})
