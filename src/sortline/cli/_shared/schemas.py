"""The sections of a task in params.yaml, one a stage, and what may stand in them."""

from sortline.config.base import Section
from sortline.config.diagnose import DiagnoseParams
from sortline.config.evaluate import EvaluateParams
from sortline.config.export import ExportParams
from sortline.config.extract import ExtractParams
from sortline.config.prepare import PrepareParams
from sortline.config.training import TrainHeadParams
from sortline.config.weights import WeightsParams
from sortline.data.sources import FetchParams

# Of a task with a head, in the order of the line.
SCHEMAS: dict[str, type[Section]] = {
    "fetch": FetchParams,
    "weights": WeightsParams,
    "prepare": PrepareParams,
    "extract": ExtractParams,
    "train_head": TrainHeadParams,
    "evaluate": EvaluateParams,
    "diagnose": DiagnoseParams,
    "export": ExportParams,
}
