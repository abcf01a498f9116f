"""Putting one cell in place of another inside a net."""

from mindspore import nn


def put(owner: nn.Cell, name: str, cell: nn.Cell) -> None:
    """Make `cell` the attribute `name` of `owner`; its parameters keep their names, which MindSpore would prefix."""
    names = {id(parameter): parameter.name for parameter in cell.get_parameters()}
    setattr(owner, name, cell)
    for parameter in cell.get_parameters():
        parameter.name = names[id(parameter)]
