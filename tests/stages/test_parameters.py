"""The table of reruns has every parameter; the shipped params.yaml is valid; no key has a name that DVC overlooks."""

from pathlib import Path

from rerun_table import APART, TABLE, UNTRIED
from schemas import SCHEMAS, leaves

from sortline.config.base import load, read_yaml
from sortline.config.tasks import listed, task_sections
from sortline.config.training import TrainParams

ROOT = Path(__file__).parents[2]


def test_the_table_has_every_parameter_of_every_stage(base):
    assert set(SCHEMAS) == set(base.stages())
    for stage, about in base.stages().items():
        assert about["params"] == [f"tiny.{stage}"]  # all keys of the section
    every = {f"{stage}.{leaf}" for stage, schema in SCHEMAS.items() for leaf in leaves(schema)}
    assert {key for key, _, _ in TABLE} | set(UNTRIED) | APART == every
    assert "prepare.duplicates.near_train" in every  # or `leaves` finds too little
    assert "fetch.sources.toy.seed" in every


def test_the_shipped_params_are_valid_for_every_task_and_stage():
    params = ROOT / "params.yaml"
    content = read_yaml(params)
    tasks = task_sections(content)
    assert set(listed(content)) <= set(tasks)
    for task in tasks:
        # Tasks that are not listed say by their sections which they are.
        net = {"train_head"} if task in content["net_tasks"] or "train" in content[task] else set()
        schemas = {stage: schema for stage, schema in SCHEMAS.items() if stage not in net}
        schemas |= {"train": TrainParams} if net else {}
        assert set(content[task]) == set(schemas)  # DVC needs each section to be there, empty or not
        for stage, schema in schemas.items():
            load(task, stage, schema, params)


def test_no_parameter_has_a_name_that_the_run_cache_overlooks():
    """DVC leaves `size` and `nfiles` out of the key of a run, wherever they stand, so it would bring old results back.

    See `dvc.stage.cache._get_cache_hash`; the table's test would say "is cached", too.
    """
    every = [leaf for schema in SCHEMAS.values() for leaf in leaves(schema)]
    assert [leaf for leaf in every if {"size", "nfiles"} & set(leaf.split("."))] == []
