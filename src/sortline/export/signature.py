"""Signatures of exported models: Ed25519 (RFC 8032) over the SHA-256 of each file of the export folder."""

import base64
import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sortline._core.errors import UserError
from sortline._core.files import read_json, replacing, sha256_file, write_json
from sortline.export import sums
from sortline.export.labels import model_file


def new_key(path: Path) -> Path:
    """Write a new private key to `path` (PEM, for its owner alone), its public key beside it; return that one's path.

    Raises `UserError` where one of the files is there: a key that is lost cannot be made again.
    """
    public = path.with_name(f"{path.name}.pub")
    for one in (path, public):
        if one.exists():
            raise UserError(f"{one}: is there already; name a new file")
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    with replacing(path) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return public


def sign(folder: Path, key: Path) -> Path:
    """Write the signature of the files in `folder` beside it, as <folder>.sig; return its path."""
    private = _key(key, Ed25519PrivateKey)
    sums.check_all(folder)
    hashes = sums.hashes(folder)
    for name in _needed(folder):
        if name not in hashes:
            raise UserError(f"{folder / name}: no such file; export the model first: dvc repro export@TASK")
    path = folder.with_name(f"{folder.name}.sig")
    signature = base64.b64encode(private.sign(_message(hashes))).decode()
    write_json(path, {"files": hashes, "algorithm": "Ed25519", "signature": signature})
    return path


def verify(folder: Path, key: Path) -> None:
    """Raise `UserError` unless the files in `folder` are those that the owner of the public key `key` has signed.

    The signature lies beside the folder, as <folder>.sig, or in it, as export.sig.
    """
    public = _key(key, Ed25519PublicKey)
    places = folder.resolve().with_name(f"{folder.resolve().name}.sig"), folder / "export.sig"
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise UserError(f"{folder}: has no signature, {places[0]} or {places[1]}; sign it: sortline export --sign KEY")
    about = read_json(path)
    try:
        hashes = {str(name): str(digest) for name, digest in about["files"].items()}
        public.verify(base64.b64decode(about["signature"]), _message(hashes))
    except (KeyError, TypeError, AttributeError, ValueError):
        raise UserError(f"{path}: not a signature of a model") from None
    except InvalidSignature:
        raise UserError(f"{path}: not signed by the owner of {key}; do not use this model") from None
    for name in (*_needed(folder), *hashes):
        file = folder / name
        if Path(name).name != name or name not in hashes or not file.is_file() or sha256_file(file) != hashes[name]:
            raise UserError(f"{file}: not the file that was signed; do not use this model")


def _needed(folder: Path) -> tuple[str, str]:
    """Return the files that predict reads."""
    return "labels.json", model_file(folder).name


def _message(hashes: dict[str, str]) -> bytes:
    return json.dumps(hashes, sort_keys=True).encode()


def _key(path: Path, kind: Any) -> Any:
    """Read a key in PEM, an Ed25519PrivateKey or an Ed25519PublicKey."""
    private = kind is Ed25519PrivateKey
    word = "private" if private else "public"
    try:
        content = path.read_bytes()
        key = (
            serialization.load_pem_private_key(content, None) if private else serialization.load_pem_public_key(content)
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a passphrase
        key = None
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; make a key: sortline export --new-key {path.name}") from None
    if not isinstance(key, kind):
        raise UserError(f"{path}: not a {word} Ed25519 key in PEM without a passphrase")
    return key
