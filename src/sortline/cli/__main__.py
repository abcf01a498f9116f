"""`python -m sortline.cli`."""

from sortline.cli import entry

entry()
