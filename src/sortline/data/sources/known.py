"""Known data sets: where each may come from, in the order in which its sources are tried."""

from typing import Any

_COURSE = "https://ascend-professional-construction-dataset.obs.cn-north-4.myhuaweicloud.com"
_TUTORIALS = "https://ascend-tutorials.obs.cn-north-4.myhuaweicloud.com"
_GITHUB = "https://github.com/LeBronLiHD/ZJU2021_Garbage_Classification"
_ZJU = f"{_GITHUB}/archive/9cdb7ecf9bed6399acc824ab64c3313b6c293a7a.zip"
_AMAZON = "https://ossci-datasets.s3.amazonaws.com"
_GOOGLE = "https://storage.googleapis.com/cvdf-datasets"
_MNIST_SHA256 = "474311efcf1fd213e64768801dc6195673bffb8385179d6c55cd8748b9e2e8ca"

DATASETS: dict[str, list[dict[str, Any]]] = {
    # 26 classes of household waste, folders named by code.
    "garbage_26x100": [
        {"kind": "folder", "path": "garbage26"},
        {"kind": "archive", "name": "ZJU2021_Garbage_Classification", "url": _ZJU, "inside": "ori_data"},
    ],
    # The same classes, other photos, folders named in English.
    "data_en": [
        {"kind": "folder", "path": "data_en"},
        {"kind": "archive", "url": f"{_COURSE}/MindStudio-pc/data_en.zip"},
    ],
    # Nine genera, 6,714 photos.
    "mushrooms": [
        {"kind": "folder", "path": "mushrooms"},
        {"kind": "archive", "url": f"{_TUTORIALS}/resnet-50/mushrooms/mushrooms.zip", "max_mb": 4000},
    ],
    # 70,000 handwritten digits, 28 x 28 (LeCun et al. 1998), as four IDX files.
    "mnist": [
        {"kind": "idx", "path": "mnist", "content_sha256": _MNIST_SHA256},
        {"kind": "idx_mirror", "url": f"{_AMAZON}/mnist/", "content_sha256": _MNIST_SHA256},
        {"kind": "idx_mirror", "url": f"{_GOOGLE}/mnist/", "content_sha256": _MNIST_SHA256},
    ],
    # scikit-learn's 1,797 digits of 8 x 8 pixels, enlarged: built in.
    "digits": [{"kind": "sklearn_digits"}],
}
