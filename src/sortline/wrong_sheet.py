"""The contact sheet of photos answered wrongly, beside each what spoke for the answer."""

from pathlib import Path

from PIL import Image

from sortline import cam
from sortline.data.images import open_rgb, resize
from sortline.evaluation import Answers
from sortline.heads import Head
from sortline.mapper import Mapper
from sortline.sheets import Tile, contact_sheet, shown


def wrong_sheet(
    answers: Answers, raw: Path, task: str, columns: int, limit: int, head: Head, mapper: Mapper
) -> Image.Image:
    """Return a contact sheet of the photos answered wrongly, at most `limit`, the most confident error first.

    Each photo is framed in the colour of the predicted bin; the picture at its right shows where `head` saw evidence
    for its answer (`cam.class_activation`). Raises `BadImage` if a photo under `raw` cannot be read.
    """
    n, wrong = len(answers.val.images), answers.wrong
    if not len(wrong):
        return contact_sheet([], columns, f"{task}: none of the {n:,} val photos is wrong")
    shown = f", the first {limit:,} shown" if len(wrong) > limit else ""
    frame = "; the frame is the predicted bin's" if answers.classes.bins else ""
    title = (
        f"{task}: {len(wrong):,} of {n:,} val photos wrong, most confident first{shown}{frame}. "
        "At the right of each: what spoke for the answer"
    )
    pairs = [_pair(answers, raw, i, head, mapper) for i in wrong[:limit]]
    return contact_sheet([tile for pair in pairs for tile in pair], max(2, columns // 2 * 2), title)


def _pair(answers: Answers, raw: Path, i: int, head: Head, mapper: Mapper) -> tuple[Tile, Tile]:
    names, bins, bin_of = answers.classes.names, answers.classes.bins, answers.classes.bin_of
    truth, predicted = answers.val.labels[i], answers.predicted[i]
    lines = [
        f"truth: {shown(names, truth)}",
        f"predicted: {shown(names, predicted)}",
        f"probability: {answers.probabilities[i, predicted]:.2f}",
    ]
    colour = None
    if bin_of is not None:
        said = bins[bin_of[predicted]]
        colour = said["colour"]
        lines.append(f"{'right' if bin_of[predicted] == bin_of[truth] else 'wrong'} bin: {said['en']}")
    image = answers.val.images[i]
    photo = open_rgb(raw / image)
    evidence = cam.class_activation(head, mapper.map(resize(photo, mapper.size)), int(predicted))
    why = Tile(cam.overlay(photo, evidence), f"why {shown(names, predicted)}?")
    return Tile(photo, "\n".join([*lines, image]), colour), why
