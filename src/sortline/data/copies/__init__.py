"""Copies of one picture among photos, mirrored, turned, cropped, rescaled or recoloured: candidates, then geometry."""

from sortline.data.copies.search import KINDS, find_copies
from sortline.data.copies.sketch import PACKED, Sketch, Sketches, packed, sketch, unpacked

__all__ = ["KINDS", "PACKED", "Sketch", "Sketches", "find_copies", "packed", "sketch", "unpacked"]
