"""Who signs: the user's own certificate and key, checked; or ones that Swapcore makes for itself, which nobody trusts."""

from __future__ import annotations

import datetime
import io
import os
import tempfile
from pathlib import Path
from typing import Any

from swapcore import progress
from swapcore.errors import SwapError
from swapcore.label.credentials import SELF_MADE, UNTRUSTED, Identity, actions_of, signed_copy
from swapcore.label.record import SOURCE_TYPE

YEARS = 30  # that it is valid for: without a time stamp, credentials hold no longer than their certificate
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
RSA = ("ps256", "ps384", "ps512")
# what a certificate may be for, one of them: mail, documents, claims of C2PA
PURPOSES = {"1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.62558.2.1"}


def chosen(settings: Any, *, state: str | Path) -> Identity:
    """Who signs by the settings of the section label: the user's own certificate, else the one kept in the folder `state`."""
    if not settings.certificate:
        return self_made(Path(state) / "credentials")
    files = {"certificate": settings.certificate, "key_file": settings.key}
    chain, key = (
        _read(path, f"label.{what}") for what, path in zip(("certificate", "key"), files.values(), strict=True)
    )
    return given(chain, key, algorithm=settings.algorithm, tsa_url=settings.tsa_url, **files)


def _read(path: str, where: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SwapError(f"{where}: {path}: expected a PEM file ({error.strerror}); correct it in config.yaml") from None


def given(chain: bytes, key: bytes, *, algorithm: str, tsa_url: str, certificate: str, key_file: str) -> Identity:
    """The user's own certificate and key (the bytes of PEM files, whose names are for messages), checked.

    `algorithm` auto takes what fits the key. Raises SwapError for what is no PEM, for a key with a password, for two that
    do not belong together, for a certificate that is not valid now or that is not for signing.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError:
        raise SwapError(
            f"label.certificate: {certificate}: expected a certificate as PEM (-----BEGIN CERTIFICATE-----), found "
            "something else; write it so: openssl x509 -inform der -in yours.cer -out yours.pem"
        ) from None
    try:
        private: Any = load_pem_private_key(key, password=None)
    except TypeError:
        raise SwapError(
            f"label.key: {key_file}: it is protected by a password, which no job can be asked for; write it without one "
            "(openssl pkey -in key.pem -out open.pem), and let nobody else read that file (chmod 600)"
        ) from None
    except Exception as error:  # cryptography has several of its own
        said = " ".join(str(error).split())[:80]
        raise SwapError(
            f"label.key: {key_file}: expected a private key as PEM (-----BEGIN PRIVATE KEY-----), found none that can be "
            f"read ({said}); write it so: openssl pkey -in yours.key -out key.pem"
        ) from None

    def bare(public: Any) -> bytes:
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    own = certificates[0]
    fitting = [k for k, one in enumerate(certificates) if bare(one.public_key()) == bare(private.public_key())]
    if not fitting:
        raise SwapError(
            f"label.certificate: {certificate} and the key {key_file} do not belong together; name the key that the "
            "certificate was asked for with"
        )
    if fitting[0]:
        raise SwapError(
            f"label.certificate: {certificate}: the certificate of the key is number {fitting[0] + 1} in it; put it first"
        )
    now = datetime.datetime.now(datetime.UTC)
    if not own.not_valid_before_utc <= now <= own.not_valid_after_utc:
        after = now > own.not_valid_after_utc
        when = (
            f"expired on {own.not_valid_after_utc:%Y-%m-%d}" if after else f"begins {own.not_valid_before_utc:%Y-%m-%d}"
        )
        raise SwapError(
            f"label.certificate: {certificate}: expected a certificate that is valid today, but it {when}; "
            "name one that is, or none"
        )
    identity = Identity(chain, key, _algorithm(private, algorithm, key_file), tsa_url, False)
    _check_purpose(own, certificate)
    _try(identity, certificate)
    return identity


def _algorithm(private: Any, asked: str, key_file: str) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(private, ec.EllipticCurvePrivateKey):
        fitting = [CURVES[private.curve.name]] if private.curve.name in CURVES else []
    elif isinstance(private, rsa.RSAPrivateKey):
        fitting = list(RSA) if private.key_size >= 2048 else []
    else:
        fitting = ["ed25519"] if isinstance(private, ed25519.Ed25519PrivateKey) else []
    if not fitting:
        raise SwapError(
            f"label.key: {key_file}: expected a key on P-256, P-384 or P-521, RSA from 2048 bits or Ed25519, found another; "
            "ask for a certificate with such a key"
        )
    if asked not in ("auto", *fitting):
        raise SwapError(
            f"label.algorithm: {asked} does not fit the key {key_file}, expected {' or '.join(fitting)}; write auto"
        )
    return fitting[0] if asked == "auto" else asked


def _check_purpose(certificate: Any, path: str) -> None:
    """C2PA's profile of a signer's certificate, the parts that users get wrong."""
    from cryptography import x509

    def found(kind: Any) -> Any:
        try:
            return certificate.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None

    usage, purposes, basic = found(x509.KeyUsage), found(x509.ExtendedKeyUsage), found(x509.BasicConstraints)
    wrong = []
    if usage is None or not usage.digital_signature:
        wrong.append("its key usage lacks digitalSignature")
    if purposes is None or not PURPOSES & {p.dotted_string for p in purposes}:
        wrong.append("its extended key usage names neither emailProtection nor documentSigning nor C2PA's own")
    if basic is not None and basic.ca:
        wrong.append("it is an authority's (CA)")
    if certificate.issuer == certificate.subject:
        wrong.append("it is signed by itself")
    if wrong:
        raise SwapError(
            f"label.certificate: {path}: C2PA takes no such certificate: {', '.join(wrong)}; ask an authority for one "
            "for signing mail or documents, or give none"
        )


def _try(identity: Identity, path: str) -> None:
    """Sign a picture of one grey pixel, so that what the library refuses is known before any work."""
    import cv2
    import numpy as np

    picture = io.BytesIO(cv2.imencode(".jpg", np.full((8, 8, 3), 127, np.uint8))[1].tobytes())
    definition = {
        "title": "trial",
        "assertions": [actions_of([{"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE}])],
    }
    try:
        signed_copy(picture, io.BytesIO(), "image/jpeg", definition, identity._replace(tsa_url=""))
    except Exception as error:
        raise SwapError(
            f"label.certificate: {path}: the signing library refuses it ({' '.join(str(error).split())[:200]}); "
            "ask for a certificate that fits C2PA's profile, or give none"
        ) from None


def self_made(folder: str | Path) -> Identity:
    """The certificate and key that Swapcore made for itself in `folder`, a small authority's signature on it; made anew
    where there is none, or none that is still valid. Only its owner may read the file.
    """
    from cryptography import x509

    path = Path(folder) / "self_made.pem"
    for fresh in (False, True):
        if fresh:
            _write_private(path, _make())
            progress.say(
                f"label: made {path}, to sign with: {UNTRUSTED}. Set label.certificate and label.key to use your own"
            )
        try:
            text = path.read_bytes()
            key, _, chain = text.partition(b"-----BEGIN CERTIFICATE-----")
            chain = b"-----BEGIN CERTIFICATE-----" + chain
            if x509.load_pem_x509_certificates(chain)[0].not_valid_after_utc > datetime.datetime.now(datetime.UTC):
                return Identity(chain, key, "es256", "", True)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            pass
    raise SwapError(f"{path}: expected the certificate that was just written; check the computer's clock")


def _write_private(path: Path, data: bytes) -> None:
    """Written whole or not at all, for its owner's eyes. Of two jobs that write at once the last one wins, and both can sign."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # of mode 600
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        os.replace(name, path)
    except OSError as error:
        raise SwapError(
            f"{path}: cannot be written ({error.strerror}); name another place by `state:` in config.yaml, or free some space"
        ) from None


def _make() -> bytes:
    """A key and its certificate, signed by an authority made for it alone, whose key is thrown away."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)  # other computers' clocks may be behind
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    bits = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )

    def named(name: str) -> x509.Name:
        parts = [(NameOID.ORGANIZATION_NAME, SELF_MADE), (NameOID.COMMON_NAME, name)]
        return x509.Name([x509.NameAttribute(*part) for part in parts])

    def certificate(name: str, key: Any, *, ca: bool) -> Any:
        usage = x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **bits)
        made = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named("authority of this one certificate"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + datetime.timedelta(days=365 * YEARS))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        )
        if not ca:
            made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        return made.sign(authority, hashes.SHA256())

    chain = [certificate("signer", own, ca=False), certificate("authority of this one certificate", authority, ca=True)]
    key = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key + b"".join(one.public_bytes(Encoding.PEM) for one in chain)
