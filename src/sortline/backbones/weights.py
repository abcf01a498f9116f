"""A backbone's weights from the first of its origins that works: a file, a public address, or drawn from a seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from sortline._core.errors import UserError
from sortline._core.files import replacing, write_json
from sortline.backbones import registry
from sortline.config.weights import WeightsParams
from sortline.data.layout import is_hidden
from sortline.data.sources.base import downloaded, first_that_works, locate
from sortline.data.sources.download import probe, shown
from sortline.data.sources.unpack import UNPACKED, copy_hashed, unpack

RANDOM_WIDTH = 0.35  # small: it proves a pipeline


@dataclass(frozen=True)
class WeightsOrigin:
    """Where weights may come from: a "file" on the disk, `address` being its path; a "download" from a public address,
    or of `member` of the archive there; or what needs no file: "random", drawn from a seed, and "none".
    """

    kind: str
    release: str
    address: str = ""
    sha256: str | None = None
    member: str | None = None
    max_mb: int = 0

    @property
    def online(self) -> bool:
        return self.kind == "download"

    @property
    def file_name(self) -> str:
        return self.member or (urlsplit(self.address).path if self.online else self.address)

    def check(self, data_folder: Path | None) -> None:
        if self.online:
            probe(self.address)
        elif self.address:
            self._find(data_folder)

    def copy(self, target: Path, downloads: Path, data_folder: Path | None) -> str:
        """Copy or download the file to `target`; return its sha256."""
        if not self.online:
            return self._copied(target, self._find(data_folder))
        use, sha256 = (self._copied, self.sha256) if self.member is None else (self._unpacked, None)
        return downloaded(self.address, downloads, self.max_mb, sha256, partial(use, target))

    def _find(self, data_folder: Path | None) -> Path:
        path = locate(self.address, data_folder)
        if not path.is_file():
            raise UserError(f"{path} is not a file")
        return path

    def _copied(self, target: Path, path: Path) -> str:
        with path.open("rb") as stream:
            digest, size = copy_hashed(stream, target)
        if size == 0:
            raise UserError("the file is empty")
        return self._checked(digest)

    def _unpacked(self, target: Path, archive: Path) -> str:
        wanted = PurePosixPath(self.member or "").parts

        def choose(paths: Sequence[PurePosixPath]) -> dict[PurePosixPath, PurePosixPath]:
            found = [path for path in paths if path.parts[-len(wanted) :] == wanted and not is_hidden(path)]
            if len(found) != 1:
                raise UserError(f"holds {len(found)} files named '{self.member}', expected one")
            return {found[0]: PurePosixPath(target.name)}

        (digest,) = unpack(archive, target.parent, choose, self.max_mb * UNPACKED).values()
        return self._checked(digest)

    def _checked(self, digest: str) -> str:
        if self.sha256 not in (None, digest):
            raise UserError(f"wrong checksum: sha256 is {digest}, it should be {self.sha256}")
        return digest


def origins(params: WeightsParams) -> list[WeightsOrigin]:
    """Return where the weights may come from, in order; raise `UserError` for a backbone or release not known."""
    if params.backbone is None:
        return [WeightsOrigin("none", "none")]
    try:
        network = registry.get(params.backbone)
        if params.release:
            network.release(params.release)
    except UserError as error:
        raise UserError(f"params.yaml: weights: {error}") from None
    if params.width is not None and not network.widths:
        raise UserError(f"params.yaml: weights.width is {params.width:g}, but {network.name} has no width")
    if params.release == registry.RANDOM:
        return [WeightsOrigin(registry.RANDOM, registry.RANDOM)]
    found: list[WeightsOrigin] = []
    for name in [params.release] if params.release else network.tried:
        release = network.release(name)
        if params.path or params.url:
            own = {key: getattr(params, key) for key in ("path", "url", "member", "sha256")}
            release = replace(release, **own)
        if release.path:
            found.append(WeightsOrigin("file", name, release.path, release.sha256))
        if release.url:
            more = release.sha256, release.member, params.max_mb
            found.append(WeightsOrigin("download", name, release.url, *more))
    if not found:
        raise UserError(f"params.yaml: weights: {network.name} has no public file; name release and path or url")
    return found


def fetch(
    task: str, params: WeightsParams, out: Path, downloads: Path, data_folder: Path | None
) -> tuple[dict[str, Any], list[str]]:
    """Put the weights of the first origin that works, and `backbone.json` about them, into the folder `out`.

    The file is copied as it came, as `backbone.safetensors` or `backbone.ckpt`. `downloads` holds what a download that
    broke off has got so far; relative paths start in `data_folder`. Return the content of `backbone.json` and a line
    for each origin passed over. Raise `UserError`, which names every origin and why it failed, where none works.
    """

    def attempt(origin: WeightsOrigin) -> dict[str, Any]:
        drawn = origin.kind == registry.RANDOM
        sized = params.backbone is not None and registry.get(params.backbone).widths
        about: dict[str, Any] = {
            "network": params.backbone or "none",
            "release": origin.release,
            "width": float(params.width or (RANDOM_WIDTH if drawn else 1)) if sized else None,
            "address": shown(origin.address) if origin.online else None,
            "file": None,
            "sha256": None,
            "seed": params.seed if drawn else None,
        }
        with replacing(out) as temporary:
            temporary.mkdir()
            if origin.address:
                about["file"] = f"backbone{PurePosixPath(origin.file_name).suffix}"
                about["sha256"] = origin.copy(temporary / about["file"], downloads, data_folder)
            write_json(temporary / "backbone.json", about)
        return about

    return first_that_works("weights", task, origins(params), attempt)
