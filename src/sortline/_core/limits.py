"""How large a photo's file may be before it is refused."""

MAX_PIXELS = 100_000_000  # width x height
MAX_FILE_MB = 100
