"""DVCLive for trainings with MindSpore's own `Model.train` and `Model.fit`."""

from typing import Any

import mindspore
import numpy as np
from dvclive import Live


class DVCLiveCallback(mindspore.Callback):
    """Logs an epoch's mean loss, its last learning rate and, of `Model.fit`, the figures of the evaluation.

    `live`: where to; None: a `dvclive.Live` of `options`, which ends with the training.
    """

    def __init__(self, live: Live | None = None, **options: Any) -> None:
        super().__init__()
        self.live, self.own = live or Live(**options), live is None
        self.losses: list[float] = []

    def on_train_step_end(self, run_context: Any) -> None:
        output = run_context.original_args().net_outputs
        self.losses.append(float((output[0] if isinstance(output, tuple | list) else output).asnumpy().mean()))

    def on_train_epoch_end(self, run_context: Any) -> None:
        about = run_context.original_args()
        self.live.step = about.cur_epoch_num
        self.live.log_metric("train/loss", float(np.mean(self.losses)))
        rate = getattr(about.optimizer, "learning_rate", None)
        if isinstance(rate, mindspore.Parameter):
            self.live.log_metric("train/lr", float(rate.asnumpy()))
        self.losses.clear()

    def on_eval_end(self, run_context: Any) -> None:
        for name, value in (run_context.original_args().eval_results or {}).items():
            self.live.log_metric(f"eval/{name}", float(value))

    def on_train_end(self, run_context: Any) -> None:
        if self.own:
            self.live.end()
