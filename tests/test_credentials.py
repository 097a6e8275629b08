"""Who signs a video, what is signed, and what the library's own reader says of it."""

from __future__ import annotations

import datetime
import json
import stat
import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from media import X264, ff, picture

from swapcore import config, label
from swapcore.errors import SwapError
from swapcore.label import certificates, credentials

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
KEYS = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}
AUTHORITY = ec.generate_private_key(ec.SECP256R1())
SIDECAR = {
    "video": {"name": "scene1", "file": "video.mp4", "sha256": "", "metadata": {"title": "Synthetic video"}},
    "clip": {"name": "stunt", "file": "film/Ann Example.mov", "sha256": "c1" * 32},
    "swaps": [
        {
            **{"name": "ann_onto_bob", "source": "ann", "target": "bob"},
            "weights": {"file": "weights.h5", "sha256": "ab" * 32},
            "datasets": {"source": "d1" * 32, "target": "d2" * 32},
        }
    ],
    "consents": {"ann": {"basis": "synthetic"}},
}


def certificate(
    key,
    *,
    begin=NOW - DAY,
    end=NOW + 90 * DAY,
    purpose=ExtendedKeyUsageOID.EMAIL_PROTECTION,
    ca=False,
    self_signed=False,
):
    """A certificate of a film company's, signed by AUTHORITY or by itself, as PEM."""

    def named(name):
        return x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Film Ltd"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
        )

    signer = key if self_signed else AUTHORITY
    flags = (
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "encipher_only",
        "decipher_only",
    )
    usage = x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **dict.fromkeys(flags, False))
    made = (
        x509.CertificateBuilder()
        .subject_name(named("authority" if ca else "signs"))
        .issuer_name(named("signs" if self_signed else "authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if purpose:
        made = made.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    hashed = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return made.sign(signer, hashed).public_bytes(Encoding.PEM)


def pem(key, password=None):
    sealed = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)


def given(chain, key, algorithm="auto"):
    return certificates.given(chain, key, algorithm=algorithm, tsa_url="", certificate="mine.pem", key_file="key.pem")


OWN = KEYS["es256"]()
ROOT = certificate(AUTHORITY, ca=True, purpose=None)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A small video."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    ff(*picture(size="64x48", seconds=1), *X264, path)
    return path


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """What Swapcore signs with where nothing is given."""
    return certificates.self_made(tmp_path_factory.mktemp("state"))


# the self-made certificate


def test_a_self_made_certificate_is_made_once_and_for_its_owner_alone(tmp_path, capfd):
    first = certificates.chosen(config.parse("label", "{}"), state=tmp_path)
    (file,) = (tmp_path / "credentials").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "nobody trusts it" in capfd.readouterr().err
    assert certificates.chosen(config.parse("label", "{}"), state=tmp_path) == first
    assert capfd.readouterr().err == ""
    assert first.self_made and b"PRIVATE KEY" in first.key and b"PRIVATE" not in first.chain


@pytest.mark.parametrize(
    "left", [b"", b"nonsense", pem(OWN) + certificate(OWN, begin=NOW - 9 * DAY, end=NOW - DAY) + ROOT]
)
def test_a_self_made_certificate_that_is_damaged_or_old_is_made_anew(tmp_path, left):
    (tmp_path / "self_made.pem").write_bytes(left)
    made = certificates.self_made(tmp_path)
    assert made.chain not in left and certificates.self_made(tmp_path) == made


def test_a_state_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "credentials").write_text("a file in the place of a folder")
    with pytest.raises(SwapError, match="cannot be written"):
        certificates.chosen(config.parse("label", "{}"), state=tmp_path)


def test_it_is_said_that_nobody_trusts_it(own):
    said = credentials.facts(own)
    assert said["self_made"] is True and "trusted by nobody" in said["signer"] and "nobody trusts it" in said["means"]


# the user's own


@pytest.mark.parametrize("kind", KEYS)
def test_keys_of_every_kind_sign_and_are_read(clip, tmp_path, kind):
    key = KEYS[kind]()
    identity = given(certificate(key) + ROOT, pem(key))
    assert identity.algorithm == kind and not identity.self_made
    credentials.sign(clip, tmp_path / "signed.mp4", credentials.manifest(SIDECAR), identity)
    found = credentials.read(tmp_path / "signed.mp4")
    assert (found["state"], found["problems"], found["issuer"]) == ("Valid", [], "Film Ltd")
    assert found["serial"] == credentials.facts(identity)["serial"]
    trusted = credentials.read(tmp_path / "signed.mp4", trust=ROOT.decode())
    assert trusted["state"] == "Trusted", "an authority that the reader was told to trust vouches for it"


FAULTS = {
    "another's key": (certificate(OWN) + ROOT, pem(KEYS["es256"]()), "do not belong together; name the key"),
    "wrong order": (ROOT + certificate(OWN), pem(OWN), "the certificate of the key is number 2 in it; put it first"),
    "expired": (certificate(OWN, begin=NOW - 9 * DAY, end=NOW - DAY), pem(OWN), "valid today, but it expired on 20"),
    "early": (certificate(OWN, begin=NOW + DAY), pem(OWN), "valid today, but it begins 20"),
    "password": (certificate(OWN), pem(OWN, b"secret"), "protected by a password"),
    "no certificate": (b"hello", pem(OWN), "expected a certificate as PEM"),
    "no key": (certificate(OWN), certificate(OWN), "expected a private key as PEM"),
    "for servers": (
        certificate(OWN, purpose=ExtendedKeyUsageOID.SERVER_AUTH),
        pem(OWN),
        "names neither emailProtection",
    ),
    "no purpose": (certificate(OWN, purpose=None), pem(OWN), "names neither emailProtection"),
    "authority": (certificate(OWN, ca=True), pem(OWN), r"it is an authority's \(CA\)"),
    "self-signed": (certificate(OWN, self_signed=True), pem(OWN), "it is signed by itself"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_certificate_that_cannot_sign_is_one_line(fault):
    chain, key, words = FAULTS[fault]
    with pytest.raises(SwapError, match=words) as error:
        given(chain, key)
    assert "mine.pem" in str(error.value) or "key.pem" in str(error.value)


def test_an_algorithm_that_does_not_fit_the_key_is_one_line():
    with pytest.raises(SwapError, match=r"ps256 does not fit the key key.pem, expected es256; write auto"):
        given(certificate(OWN), pem(OWN), "ps256")
    small = rsa.generate_private_key(65537, 1024)
    with pytest.raises(SwapError, match="RSA from 2048 bits"):
        given(certificate(small), pem(small))


def test_a_missing_file_is_one_line(tmp_path):
    settings = config.parse("label", json.dumps({"certificate": f"{tmp_path}/no.pem", "key": f"{tmp_path}/no.key"}))
    with pytest.raises(SwapError, match=r"label.certificate: .*no.pem: expected a PEM file"):
        certificates.chosen(settings, state=tmp_path)


@pytest.mark.parametrize(
    "half", [{"certificate": "a.pem"}, {"key": "a.key"}, {"tsa_url": "https://tsa.example"}, {"algorithm": "es256"}]
)
def test_half_a_pair_is_refused_by_the_settings(half):
    with pytest.raises(SwapError, match=r"^config: label\b.*certificate and key|^label.*certificate and key"):
        config.load({"label": half}, "name\tperson\tpath\n")


# what is signed


def test_the_statement_names_the_edit_and_its_ingredients_and_nobody(clip, tmp_path, own):
    credentials.sign(clip, tmp_path / "signed.mp4", credentials.manifest(SIDECAR), own)
    found = credentials.read(tmp_path / "signed.mp4")
    assert (found["state"], found["problems"]) == ("Valid", [])
    assert found["types"] == [label.SOURCE_TYPE]
    relations = [(i["relationship"], i["title"]) for i in found["ingredients"]]
    assert relations == [
        ("parentOf", "Video that was changed"),
        ("inputTo", "Trained model 1"),
        ("inputTo", "Faces that model 1 learned to show"),
    ]
    assert found["provenance"] == label.statement(SIDECAR)
    data = (tmp_path / "signed.mp4").read_bytes()
    assert b"c2pa.edited" in data and b"c2pa.opened" in data
    assert ("sha256:" + "c1" * 32).encode() in data and ("sha256:" + "ab" * 32).encode() in data
    for name in (b"Ann Example", b"ann_onto_bob", b"stunt", b"scene1", str(tmp_path).encode()):
        assert name not in data


def test_both_ways_of_one_model_are_stated(clip, tmp_path, own):
    """Two swaps of one video may use the same weights, each for another face."""
    forth = SIDECAR["swaps"][0]
    back = {**forth, "name": "back", "datasets": {"source": "d2" * 32, "target": "d1" * 32}}
    credentials.sign(clip, tmp_path / "signed.mp4", credentials.manifest({**SIDECAR, "swaps": [forth, back]}), own)
    found = credentials.read(tmp_path / "signed.mp4")
    assert found["state"] == "Valid" and found["problems"] == []
    titles = [one["title"] for one in found["ingredients"]]
    assert len(titles) == 5 and titles[3:] == ["Trained model 2", "Faces that model 2 learned to show"]


def test_the_digest_of_the_sidecar_is_of_what_it_says_not_how():
    again = json.loads(json.dumps(dict(reversed(SIDECAR.items())), indent=4))
    again["video"]["sha256"] = "the file's own digest cannot be in the file"
    assert label.statement(again) == label.statement(SIDECAR)
    again["consents"]["ann"]["basis"] = "written"
    assert label.statement(again) != label.statement(SIDECAR)


def test_one_changed_byte_of_the_picture_is_found(clip, tmp_path, own):
    credentials.sign(clip, tmp_path / "signed.mp4", credentials.manifest(SIDECAR), own)
    data = bytearray((tmp_path / "signed.mp4").read_bytes())
    data[data.rindex(b"mdat") + 400] ^= 1
    (tmp_path / "signed.mp4").write_bytes(data)
    found = credentials.read(tmp_path / "signed.mp4")
    assert found["state"] == "Invalid" and any("bmffHash.mismatch" in line for line in found["problems"])


def test_a_file_without_credentials_has_none(clip, tmp_path):
    assert credentials.read(clip) is None
    (tmp_path / "a.mp4").write_text("no video")
    assert (credentials.read(tmp_path / "a.mp4") or {}).get("state") != "Valid"


def test_two_signatures_have_the_same_length(clip, tmp_path, own):
    for name in ("a.mp4", "b.mp4"):
        credentials.sign(clip, tmp_path / name, credentials.manifest(SIDECAR), own)
    a, b = ((tmp_path / name).read_bytes() for name in ("a.mp4", "b.mp4"))
    assert a != b and len(a) == len(b)


def test_an_authority_that_does_not_answer_is_one_line(clip, tmp_path):
    nobody = given(certificate(OWN) + ROOT, pem(OWN))._replace(tsa_url="http://127.0.0.1:9/tsa")
    with pytest.raises(SwapError, match=r"cannot be signed .*; check that http://127.0.0.1:9/tsa answers, or leave"):
        credentials.sign(clip, tmp_path / "signed.mp4", credentials.manifest(SIDECAR), nobody)


def test_a_certificate_that_ended_signs_nothing(clip, tmp_path):
    ended = certificate(OWN, begin=NOW - 9 * DAY, end=NOW - DAY) + ROOT
    identity = credentials.Identity(ended, pem(OWN), "es256", "", False)
    with pytest.raises(SwapError, match="not valid at time of signing"):
        credentials.sign(clip, tmp_path / "signed.mp4", credentials.manifest(SIDECAR), identity)


LIMITED = """
import resource, signal, sys
from swapcore.label import certificates, credentials

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
own = certificates.self_made(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
try:
    credentials.sign(sys.argv[2], sys.argv[1] + "/signed.mp4", {"title": "x"}, own)
except OSError as error:
    print(error.strerror)
"""


def test_a_disk_that_takes_no_more_is_the_systems_own_error(root, clip, tmp_path):
    command = [sys.executable, "-c", LIMITED, tmp_path, clip]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "File too large", done.stderr
