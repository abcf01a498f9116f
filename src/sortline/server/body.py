"""The photos in a request: a raw body, or a form with one or many files."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from sortline.server.limits import Limits

FORM = "multipart/form-data"
RAW = ("application/octet-stream", "image/jpeg", "image/jpg", "image/png", "image/webp", "image/bmp", "image/x-ms-bmp",
       "image/gif", "image/tiff")  # fmt: skip
SEND = (
    "send a photo with Content-Type image/jpeg (-png, -webp, -bmp, -gif, -tiff) or application/octet-stream, or photos "
    f"as the files of a form, {FORM}, as curl -F photo=@photo.jpg does"
)
BODY = "body"  # what a photo is called that comes without a name
IN_MEMORY = 2**20  # bytes of a photo; a larger one lies in a temporary file
MAX_FIELDS, MAX_FIELD = 8, 4096  # of a form, beside its files: they are not read


@asynccontextmanager
async def photos(request: Request, limits: Limits) -> AsyncIterator[list[tuple[str, BinaryIO]]]:
    """Yield the name and the content of each photo; raise HTTPException where a limit is passed or there is none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM and kind not in RAW:
        raise HTTPException(415, f"Content-Type '{kind[:100]}': {SEND}")
    limited = Request(request.scope, _limited(request, limits))
    with ExitStack() as kept:
        try:
            async with asyncio.timeout(limits.upload_seconds):
                named = await (_of_form(limited, kept, limits) if kind == FORM else _raw(limited, kept))
        except TimeoutError:
            raise HTTPException(408, f"the body took more than {limits.upload_seconds:g} s to arrive") from None
        except ClientDisconnect:
            raise HTTPException(400, "the client went away") from None
        yield named


async def _raw(request: Request, kept: ExitStack) -> list[tuple[str, BinaryIO]]:
    file = kept.enter_context(SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115  # closed by the stack
    async for chunk in request.stream():
        file.write(chunk)
    if not file.tell():
        raise HTTPException(422, f"no photo in it; {SEND}")
    return [(BODY, cast(BinaryIO, file))]


async def _of_form(request: Request, kept: ExitStack, limits: Limits) -> list[tuple[str, BinaryIO]]:
    try:
        form = await request.form(max_files=limits.photos, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD)
    except HTTPException as error:
        if error.detail.startswith("Too many files"):
            raise HTTPException(413, f"more than {limits.photos} photos in a request") from None
        raise
    found = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
    for one in found:
        kept.enter_context(one.file)
    if not found:
        raise HTTPException(422, f"no file in the form; {SEND}")
    return [(one.filename or BODY, one.file) for one in found]


def _limited(request: Request, limits: Limits) -> Receive:
    """Return the request's `receive` that ends in 413 as soon as the body is too large, announced or not."""
    largest, seen = limits.body_mb * 2**20, 0
    too_large = HTTPException(413, f"more than {limits.body_mb} MB in a request")

    async def receive() -> Message:
        nonlocal seen
        announced = request.headers.get("content-length", "")
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > largest or (announced.isdecimal() and int(announced[:20]) > largest):
            raise too_large
        return message

    return receive
