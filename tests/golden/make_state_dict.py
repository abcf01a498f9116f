"""Make state_dict.pth and checkpoint.pth: what PyTorch saves, small.

Run by hand where PyTorch is installed (made with 2.13.0): python tests/golden/make_state_dict.py
"""

from pathlib import Path

import torch

HERE = Path(__file__).parent
tensors = {
    "turned": torch.arange(12, dtype=torch.float32).reshape(3, 4).t(),
    "counts": torch.arange(5),
    "half": torch.tensor([0.5, 1.5], dtype=torch.float16),
}
torch.save(tensors, HERE / "state_dict.pth")
torch.save({"epoch": 3, "state_dict": tensors}, HERE / "checkpoint.pth")
