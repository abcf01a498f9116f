"""Copies of one picture among photos, mirrored, turned, cropped, rescaled or recoloured: candidates, then geometry."""

from sortline.data.copies.search import KINDS, find_copies
from sortline.data.copies.sketch import Sketch, Sketches, sketch

__all__ = ["KINDS", "Sketch", "Sketches", "find_copies", "sketch"]
