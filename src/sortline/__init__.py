"""sortline: a reproducible image-classification line, DVC stages around MindSpore."""

from sortline._core.runtime import cap_instruction_set

__version__ = "0.1.0"

# Here, because oneDNN reads the cap when MindSpore loads, and this runs before any module of ours can import it.
cap_instruction_set()
