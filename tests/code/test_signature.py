"""`sortline export --sign` and `predict --verify`: a model is what was signed, by the right key, or it is not used."""

import base64
import json
import os
import stat
from pathlib import Path

import pytest
from command_line import sortline
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_public_key
from test_predict import write_export

from sortline._core.errors import UserError
from sortline._core.files import sha256_file
from sortline.export import signature


@pytest.fixture
def signed(tmp_path):
    """A signed export folder and the public key."""
    folder = write_export(tmp_path / "垃圾" / "export")
    (folder / "MODEL_CARD.md").write_text("card", encoding="utf-8")
    public = signature.new_key(tmp_path / "key.pem")
    assert signature.sign(folder, tmp_path / "key.pem") == folder.with_name("export.sig")
    return folder, public


def refusal(folder, key):
    with pytest.raises(UserError) as caught:
        signature.verify(folder, key)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_was_signed_is_verified_beside_and_inside_the_folder(signed):
    folder, public = signed
    signature.verify(folder, public)
    folder.with_name("export.sig").rename(folder / "export.sig")
    signature.verify(folder, public)
    moved = folder.rename(folder.with_name("other name"))
    signature.verify(moved, public)


def test_the_signature_is_ed25519_over_the_hashes(signed):
    folder, public = signed
    about = json.loads(folder.with_name("export.sig").read_text(encoding="utf-8"))
    names = ("MODEL_CARD.md", "labels.json", "model.onnx")
    assert about["files"] == {name: sha256_file(folder / name) for name in names}
    message = "{" + ", ".join(f'"{name}": "{sha256_file(folder / name)}"' for name in names) + "}"
    load_pem_public_key(public.read_bytes()).verify(base64.b64decode(about["signature"]), message.encode())


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_the_private_key_is_its_owners_alone_and_is_not_overwritten(signed, tmp_path):
    key = tmp_path / "key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    with pytest.raises(UserError, match="is there already"):
        signature.new_key(key)
    assert key.read_bytes() == before


@pytest.mark.parametrize("name", ["model.onnx", "labels.json", "MODEL_CARD.md"])
def test_a_file_that_was_changed_or_taken_away_is_named(signed, name):
    folder, public = signed
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    assert f"{folder / name}: not the file that was signed" in refusal(folder, public)
    (folder / name).unlink()
    assert f"{folder / name}: not the file that was signed" in refusal(folder, public)


def test_another_key_and_a_changed_signature_are_refused(signed, tmp_path):
    folder, public = signed
    assert "not signed by the owner" in refusal(folder, signature.new_key(tmp_path / "other.pem"))
    path = folder.with_name("export.sig")
    about = json.loads(path.read_text(encoding="utf-8"))
    (folder / "model.onnx").write_bytes(b"evil")
    files = about["files"] | {"model.onnx": sha256_file(folder / "model.onnx")}
    for changed in (
        about | {"files": files},
        about | {"files": {}},
        about | {"files": about["files"] | {"../x": "0"}},
        about | {"signature": ""},
    ):
        path.write_text(json.dumps(changed), encoding="utf-8")
        assert "not signed by the owner" in refusal(folder, public)
    for text in ("", "[]", "{}", '{"files": 5, "signature": 5}', '{"files": {}, "signature": "%"}', "[" * 10**5):
        path.write_text(text, encoding="utf-8")
        assert str(path) in refusal(folder, public)
    path.unlink()
    assert "has no signature" in refusal(folder, public)


def test_keys_of_other_kinds_are_one_line(signed, tmp_path):
    folder, public = signed
    other = rsa.generate_private_key(65537, 2048)
    (tmp_path / "rsa.pem").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "text.pem").write_text("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n")
    for path in (tmp_path / "rsa.pem", tmp_path / "text.pem", public):
        with pytest.raises(UserError, match="not a private Ed25519 key"):
            signature.sign(folder, path)
    assert "not a public Ed25519 key" in refusal(folder, tmp_path / "key.pem")
    with pytest.raises(UserError, match="export --new-key"):
        signature.sign(folder, tmp_path / "gone.pem")


def test_the_commands(project):
    export = Path("models/sample/export")
    assert sortline("export", "--new-key", "k.pem")[0] == 0
    assert sortline("export", "--sign", "k.pem", "--task", "sample")[0] == 0
    words = ["predict", "照片/red.png", "--csv", "--verify", "k.pem.pub"]
    code, out, err = sortline(*words)
    assert code == 0 and "Red" in out
    (export / "labels.json").write_bytes((export / "labels.json").read_bytes() + b"\n")
    code, out, err = sortline(*words)
    assert code == 2 and out == "" and "error: " in err and "labels.json: not the file that was signed" in err
