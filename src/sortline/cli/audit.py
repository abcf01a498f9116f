"""`sortline audit`: what is broken, odd or there twice in a folder of photos; changes nothing."""

import argparse
from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.text import json_text
from sortline.cli._shared import own_files

SUMMARY = "look for broken, odd and duplicate photos in a folder of photos"
EPILOG = """examples:
  sortline audit data/raw/garbage
  sortline audit my_photos --sheet scenes.png
  sortline audit my_photos --json > audit.json

FOLDER holds a folder for each class, or train/ and val/ that do, and beside train/ perhaps unlabelled/.
exit code: 0 all files could be read, 1 some could not, 2 not such a folder"""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", metavar="FOLDER", help="the folder of photos; nothing in it is changed")
    command.add_argument("--json", action="store_true", help="print the full report as JSON")
    command.add_argument("--sheet", metavar="FILE.png", help="also draw the scenes: photos that show one picture")


def main(options: argparse.Namespace) -> int:
    """Return 0 if every file is a usable photo (duplicates or not), 1 if some are not."""
    from sortline.data.audit import audit_folder
    from sortline.data.audit_report import audit_report, describe

    sheet = Path(options.sheet) if options.sheet else None
    if sheet:
        if sheet.suffix.lower() != ".png":
            raise UserError(f"{sheet}: --sheet takes the name of a PNG file to write, as scenes.png")
        own_files.check(sheet)
    audit = audit_folder(Path(options.folder))
    if sheet:
        from sortline.report.scenes import scenes_sheet

        with own_files.own_png(sheet) as temporary:
            scenes_sheet(audit).save(temporary)
    if options.json:
        print(json_text(audit_report(audit)))
    else:
        print("\n".join(describe(audit, every=True)))
    return 1 if audit.problems else 0
