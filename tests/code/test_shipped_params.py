"""The project's own params.yaml is valid and shows every key."""

import pytest
from test_params import ROOT, STAGES

from sortline.config.base import Section, load, read_yaml
from sortline.config.tasks import listed, task_sections
from sortline.config.training import HeadRecipe, Recipe, Sureness, TrainParams

# Keys that the home task's section does not show, and why.
NOT_SHOWN = {
    "prepare.max_pixels": "a safety limit",
    "prepare.max_file_mb": "a safety limit",
    "export.max_difference": "a safety limit",
    "fetch.sources": "of one's own photos; `sortline new` writes it, and sample shows it",
    **dict.fromkeys(
        [f"weights.{key}" for key in ("width", "seed", "path", "url", "member", "sha256", "max_mb")],
        "of one's own copy, or of random weights; sample shows these",
    ),
    "extract.pixels": "of tasks that are trained from pixels; mnist shows it",
    "extract.colour": "of photos that a net is trained on; mushrooms_report shows it",
    "extract.resize": "of photos that are not square; docs/parameters.md",
    "weights.width": "of random weights; sample shows it",
    "weights.seed": "of random weights; sample shows it",
    **{f"{stage}.track": "where else figures go, no result; docs/training.md" for stage in ("train_head", "evaluate")},
    **{f"weights.{key}": "of one's own copy" for key in ("path", "url", "member", "sha256", "max_mb")},
}


@pytest.fixture(scope="module")
def ours():
    return read_yaml(ROOT / "params.yaml")


def test_every_stage_has_a_schema():
    assert {path.stem for path in (ROOT / "stages").glob("*.py")} == set(STAGES)


def test_every_task_of_params_yaml_is_valid_for_every_stage(ours):
    tasks = task_sections(ours)
    assert {"garbage", "sample", *listed(ours)} <= set(tasks)
    for task in tasks:
        assert set(ours[task]) <= set(STAGES), f"{task}: a section that no stage reads"
        for stage, schema in STAGES.items():
            load(task, stage, schema, ROOT / "params.yaml")


def keys(schema: type[Section], where: str) -> set[str]:
    """Return the dotted names of the schema's keys, nested sections opened, lists of sources not."""
    found = set()
    for name, field in schema.model_fields.items():
        nested = isinstance(field.annotation, type) and issubclass(field.annotation, Section)
        found |= keys(field.annotation, f"{where}.{name}") if nested else {f"{where}.{name}"}
    return found


def shown(value, where: str) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(shown(item, f"{where}.{name}") for name, item in value.items()))
    return {where}


def test_the_home_task_shows_every_key_there_is(ours):
    every = set().union(*(keys(schema, stage) for stage, schema in STAGES.items() if stage != "train"))
    there = set().union(*(shown(section, stage) for stage, section in ours["garbage"].items()))
    assert every - there == set(NOT_SHOWN)


def test_every_key_of_train_is_shown_once_there_is_a_task_for_it(ours):
    photos, modes = ours["mushrooms_report"]["train"], ours["garbage_tuned"]["train"]
    there = set().union(*(shown(section, "train") for section in (ours["mnist"]["train"], photos, modes)))
    shared = {f"train.{key}" for key in (Recipe.model_fields | Sureness.model_fields)}
    assert keys(TrainParams, "train") - keys(HeadRecipe, "train.head") - there - {"train.head", "train.track"} <= shared
    assert shared <= {f"train.{key}" for key in ours["garbage"]["train_head"]}
    assert ours["mnist"]["extract"]["pixels"] is True


def test_tasks_with_a_head_and_tasks_with_a_net_part_the_list(ours):
    heads, nets = listed(ours, "head_tasks"), listed(ours, "net_tasks")
    assert heads + nets == listed(ours) and heads[0] == "garbage"
    assert all("train_head" in ours[task] and "train" not in ours[task] for task in heads)
    assert all("train" in ours[task] and "train_head" not in ours[task] for task in nets)
