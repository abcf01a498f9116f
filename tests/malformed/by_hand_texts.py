"""Malformed params.yaml, class tables, corrections, lists of photos and training logs that somebody thought of."""

from collections.abc import Iterator

from malformed.texts import CLASSES, DECISIONS, LOG, PARAMS, SAVED

Cases = Iterator[tuple[str, bytes]]


def params() -> Cases:
    head, rest = PARAMS.split("toy:\n", 1)
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
    )
    yield "alias bomb", (bomb + PARAMS).encode()
    yield "alias bomb as a section", (bomb + PARAMS.replace("lbfgs_c: [0.3, 1.0]", "lbfgs_c: *a11")).encode()
    yield "a list that holds itself", (PARAMS + "a: &a [*a]\n").encode()
    yield "a mapping that holds itself", (head + "toy: &a {fetch: *a, prepare: *a, train_head: *a}\n").encode()
    yield "5,000 levels of lists", (PARAMS + "a: " + "[" * 5000 + "]" * 5000 + "\n").encode()
    yield "5,000 levels of mappings", (PARAMS + "a: " + "{a: " * 5000 + "}" * 5000 + "\n").encode()
    yield "500 levels by indentation", (PARAMS + "".join(" " * i + "a:\n" for i in range(500))).encode()
    yield "60 levels", (PARAMS + "a: " + "[" * 60 + "]" * 60 + "\n").encode()
    yield "2 MB of brackets", (PARAMS + "a: " + "[" * 10**6).encode()
    yield "300 KB of brackets", (PARAMS + "a: " + "[" * 290_000).encode()
    yield "2 MB", (PARAMS + "# " + "x" * 2 * 10**6).encode()
    for name, number in {
        "5,000 digits": "9" * 5000,
        "5,000 hexadecimal digits": "0x" + "f" * 5000,
        "1e999": "1e999",
        "NaN": ".nan",
        "-Inf": "-.inf",
        "binary": "!!binary ////",
        "a date": "2024-13-45",
        "sexagesimal": "1:60:99",
    }.items():
        for key, old in (("epochs", "30"), ("lr", "4e-05")):
            yield f"{key} of {name}", PARAMS.replace(f"{key}: {old}", f"{key}: {number}").encode()
    values = {
        "none": "",
        "a number": "5",
        "text": "abc",
        "a list": "[1, [2]]",
        "true": "true",
        "a date": "2024-01-02",
        "a set": "!!set {a, b}",
        "a mapping": "{x: {y: z}}",
    }
    for name, value in values.items():
        for section in ("fetch", "prepare", "train_head"):
            yield f"{section} is {name}", f"{head}toy:\n  {section}: {value}\n".encode()
        yield f"the task is {name}", f"{head}toy: {value}\n".encode()
        yield f"tasks is {name}", f"tasks: {value}\ntoy:\n{rest}".encode()
        yield f"a source is {name}", PARAMS.replace("{kind: folder, path: photos}", value or "~").encode()
        yield f"the kind of a source is {name}", PARAMS.replace("kind: folder", f"kind: {value or '~'}").encode()
    for line in (
        "!!python/object/apply:os.system [id]",
        "{[1]: 2}",
        "? {a: b}\n: c",
        "*nobody",
        "a: b: c",
        "\tx: 1",
        "%TAG ! x",
        "--- a\n--- b",
        "\x00",
        "@x",
        "<<: 5",
        "<<: [1]",
        "{a: 1, a: 2}",
        "!!float abc",
        "!!float",
        "!!int",
        "!!bool",
        "!!timestamp",
        "!!int abc",
        "!!timestamp abc",
        "!!omap [a]",
        "!!pairs 5",
    ):
        yield f"the line {line[:30]!r}", (PARAMS + f"more: {line}\n").encode()
        yield f"nothing but {line[:30]!r}", f"{line}\n".encode()
    yield "UTF-16", PARAMS.encode("utf-16")
    yield "bytes that are no UTF-8", b"\xff\xfe\xfa"


def tables() -> Cases:
    yield "a cell of 200 KB", (CLASSES + f"c,{'x' * 200_000},,,\n").encode()
    yield "no column en", CLASSES.replace("en", "name").encode()
    yield "an empty name", CLASSES.replace("Apple", "").encode()
    yield "a row too short", (CLASSES + "c,Cake\n").encode()
    yield "a row too long", (CLASSES + "c,Cake,,,,,,\n").encode()
    yield "a name twice", (CLASSES + "c,apple,,,\n").encode()
    yield "a column twice", CLASSES.replace("family", "en").encode()
    yield "a quote that never ends", (CLASSES + '"c,Cake\n').encode()
    yield "NUL", CLASSES.encode().replace(b"Apple", b"App\0le")
    yield "a bare carriage return", CLASSES.encode().replace(b"Apple", b"App\rle")
    yield "GBK", CLASSES.encode("gb18030")
    yield "UTF-16", CLASSES.encode("utf-16")
    yield "semicolons", CLASSES.replace(",", ";").encode()
    yield "nothing", b""
    yield "a header alone", b"code,en\n"
    yield "100,000 columns", b"en," * 10**5 + b"\n" + b"a," * 10**5 + b"\n"
    yield "a workbook of Excel", b"PK\x03\x04" + bytes(200)


def logs() -> Cases:
    line = "epoch: 1 step: 1, loss is 0.5\n"
    for number in ("1e999", "-1e999", "nan", "9" * 5000, "1e", ".", "0x1p3", "1_000", "٣", "²"):
        yield f"a loss of {number[:10]}", (line + f"epoch: 1 step: 2, loss is {number}\n").encode()
        yield f"epoch {number[:10]}", (line + f"epoch: {number} step: 2, loss is 1\n").encode()
        yield f"step {number[:10]}", (line + f"epoch: 1 step: {number}, loss is 1\n").encode()
        yield f"a time of {number[:10]}", (line + f"epoch time: {number} ms, per step time: {number} ms\n").encode()
    for filler in (" ", "[", ",", "9", "epoch:", "epoch: 1 step: 1, loss is tensor(", "\x1b[", "\x1b]", "\t", "\u3000"):
        for start in ("epoch:", "epoch: 1", "epoch: 1 step:", "epoch: 1 step: 1, loss is", "epoch time:", ""):
            yield (
                f"{start!r} and 200 KB of {filler[:12]!r}",
                (line + start + filler * (200_000 // len(filler)) + "\n").encode(),
            )
    yield "a line of 3 MB", (line + "x" * 3 * 10**6 + line).encode()
    yield "no line of a loss", b"hello\n" * 100
    yield "nothing", b""
    yield "zeros", bytes(10**5)
    yield "half of UTF-16", LOG.encode("utf-16")[:101]
    yield "UTF-16 without its mark", LOG.encode("utf-16-le")


def decisions() -> Cases:
    head, first, second = DECISIONS.splitlines(keepends=True)
    yield "no header", (first + second).encode()
    yield "a column less", (head + first).replace(",why", "").replace(",\n", "\n").encode()
    yield "a cell more", (head + first.replace(",\n", ",,\n")).encode()
    yield "a short digest", (head + first.replace("a" * 64, "a" * 63)).encode()
    yield "a digest in capitals", (head + first.replace("a" * 64, "A" * 64)).encode()
    yield "a quote that never ends", (head + first + '"').encode()
    yield "UTF-16", DECISIONS.encode("utf-16")
    yield "no UTF-8", DECISIONS.encode() + b"\xff"


def lists() -> Cases:
    yield "a list", b"[]"
    yield "5,000 levels", b'{"task": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    for old, new in {'"Bread",': "[],", "0.5": "NaN", "0.25": '"x"', "false": "", '"001.jpg"': "{}"}.items():
        yield f"{new or 'nothing'} for {old}", SAVED.replace(old, new, 1).encode()
    for old in ("0.5", "1}"):
        for number in ("1e999", "9" * 5000, "true", "null", "[1]"):
            yield f"{number[:5]} for {old}", SAVED.replace(old, number + old[1:].lstrip(".5"), 1).encode()
    yield "no guesses", SAVED.replace('[{"name": "Bread", "probability": 1}]', "[]").encode()
    yield "control characters", SAVED.replace("Bread", "\\u001b[2J").encode()
    yield "2 MB", (SAVED + " " * 2 * 10**6).encode()
