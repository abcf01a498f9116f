"""Drawings of the 26 garbage classes: for each code its kinds, which take turns."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sortline.data.drawings import (
    balls,
    bottles,
    glassware,
    house,
    lamps,
    leaves,
    paint,
    peels,
    pills,
    sheets,
    shells,
    tins,
    tools,
    wear,
)
from sortline.data.drawings.pen import Pen

Draw = Callable[[Pen, np.random.Generator], None]


class Kind(NamedTuple):
    """A drawing; whether the object may stand upright on a table, and how far it may be turned where it lies."""

    draw: Draw
    stands: bool
    turn: float


def _kinds(*draws: Draw, stands: bool = False, turn: float) -> tuple[Kind, ...]:
    return tuple(Kind(draw, stands, turn) for draw in draws)


DRAWINGS: dict[str, tuple[Kind, ...]] = {
    "00_00": _kinds(bottles.water_bottle, bottles.soda_bottle, bottles.squashed_bottle, stands=True, turn=70),
    "00_01": _kinds(wear.baseball_cap, wear.sun_hat, wear.beanie, wear.top_hat, turn=15),
    "00_02": _kinds(sheets.folded_newspaper, sheets.open_newspaper, sheets.rolled_newspaper, turn=50),
    "00_03": _kinds(tins.soda_can, tins.slim_can, tins.crushed_can, stands=True, turn=60),
    "00_04": _kinds(glassware.tumbler, glassware.wine_glass, glassware.jar, glassware.pitcher, stands=True, turn=15),
    "00_05": _kinds(bottles.wine_bottle, bottles.beer_bottle, bottles.clear_bottle, stands=True, turn=70),
    "00_06": _kinds(sheets.open_box, sheets.closed_box, sheets.flat_cardboard, turn=8),
    "00_07": _kinds(balls.basketball, balls.two_tone_ball, balls.flat_ball, turn=10),
    "00_08": _kinds(sheets.written_sheet, sheets.crumpled_paper, sheets.paper_stack, sheets.torn_paper, turn=60),
    "00_09": _kinds(tins.cooking_pot, tins.cutlery, tins.wrench, tins.padlock, turn=40),
    "01_00": _kinds(tools.chopsticks, tools.crossed_chopsticks, tools.wrapped_chopsticks, turn=90),
    "01_01": _kinds(tools.disposable_lighter, tools.burning_lighter, tools.flip_lighter, stands=True, turn=40),
    "01_02": _kinds(tools.straw_broom, tools.push_broom, tools.broom_and_dustpan, turn=45),
    "01_03": _kinds(house.standing_mirror, house.hand_mirror, house.wall_mirror, turn=15),
    "01_04": _kinds(tools.toothbrush, tools.toothbrush_from_above, tools.two_toothbrushes, turn=60),
    "01_05": _kinds(wear.dirty_shirt, wear.dirty_trousers, wear.dirty_sock, wear.dirty_rag, turn=30),
    "01_06": _kinds(shells.scallop, shells.spiral_shell, shells.snail_shell, shells.clam, turn=60),
    "01_07": _kinds(house.rice_bowl, house.two_bowls, house.broken_bowl, stands=True, turn=15),
    "02_00": _kinds(paint.paint_bucket, paint.closed_bucket, paint.bucket_and_brush, stands=True, turn=12),
    "02_01": _kinds(paint.single_cell, paint.cells, paint.block_cell, paint.button_cells, turn=90),
    "02_02": _kinds(lamps.tube_lamp, lamps.spiral_lamp, lamps.folded_lamp, lamps.ring_lamp, turn=60),
    "02_03": _kinds(pills.capsules, pills.tablets, pills.blister_pack, turn=45),
    "03_00": _kinds(peels.peel_spiral, peels.peel_star, peels.peel_pieces, turn=40),
    "03_01": _kinds(leaves.cabbage_leaf, leaves.bok_choy, leaves.lettuce_leaf, leaves.two_leaves, turn=60),
    "03_02": _kinds(shells.half_eggshell, shells.two_eggshells, shells.cracked_egg, turn=20),
    "03_03": _kinds(peels.banana_peel, peels.banana_star, peels.half_peeled_banana, turn=40),
}
