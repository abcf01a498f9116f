"""How large a photo's file may be before it is refused."""

MAX_PIXELS = 100_000_000  # width x height
MAX_RLE_PIXELS = 2**24  # of a run-length encoded BMP, which Pillow unpacks in Python: some seconds
MAX_FILE_MB = 100
