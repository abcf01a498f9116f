"""`sortline audit`: what is broken, odd or there twice in a folder of photos; changes nothing."""

import argparse
import json
from pathlib import Path

from sortline.data.audit import audit_folder
from sortline.data.audit_report import audit_report, summary


def main(options: argparse.Namespace) -> int:
    """Return 0 if every file is a usable photo (duplicates or not), 1 if some are not."""
    audit = audit_folder(Path(options.folder))
    if options.json:
        report = audit_report(audit, ~audit.mask("val"), [photo.folder for photo in audit.photos])
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        print("\n".join(summary(audit)))
    return 1 if audit.problems else 0
