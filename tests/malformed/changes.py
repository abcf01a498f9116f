"""Good files made malformed: cut, bits flipped, sizes overwritten, bytes put in and taken out; the same each time."""

import random
from collections.abc import Iterator

SIZES = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\0\0\0\x80", b"9999", b"-111")


def changed(content: bytes, name: str, each: int = 10) -> Iterator[tuple[str, bytes]]:
    """Yield (what was done, the malformed content); `name` seeds the places, of which there are `each` of a kind."""
    chance = random.Random(name)
    last = len(content) - 1
    for end in sorted({0, 1, last, *(chance.randrange(len(content)) for _ in range(each))}):
        yield f"cut at {end}", content[:end]
    # Most of what decides how a file is read stands at its begin.
    places = [chance.randrange(min(len(content), 64)) for _ in range(each // 2)]
    places += [chance.randrange(len(content)) for _ in range(each - len(places))]
    for place in places:
        bit = 1 << chance.randrange(8)
        yield f"bit {bit} of byte {place}", content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]
    for number, place in enumerate(places):
        size = SIZES[number % len(SIZES)]
        yield f"{size.hex()} at {place}", content[:place] + size + content[place + len(size) :]
    for place in places[:: max(1, each // 4)]:
        some = chance.randbytes(chance.randrange(1, 30))
        yield f"{len(some)} bytes put in at {place}", content[:place] + some + content[place:]
        gone = chance.randrange(1, 30)
        yield f"{gone} bytes taken out at {place}", content[:place] + content[place + gone :]
        yield f"from {place} on twice", content + content[place:]
    yield "zeros", bytes(len(content))
    yield "noise", chance.randbytes(len(content))
    yield "reversed", content[::-1]
