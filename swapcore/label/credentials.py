"""Content credentials (C2PA): a signed statement in the file, of what was done to which video, by c2pa-python.

Whoever has no certificate gets one that Swapcore made for itself. It shows that a file is whole, not who made it, and
nobody trusts it: that is said wherever it is named. Nothing here uses the network, but where `tsa_url` is given.
"""

from __future__ import annotations

import io
import json
import mimetypes
from pathlib import Path
from typing import Any, NamedTuple

from swapcore import __version__
from swapcore.errors import SwapError
from swapcore.label.record import SOURCE_TYPE, statement

PROVENANCE = "swapcore.provenance"  # the assertion that holds the digest of provenance.json
SELF_MADE = "Swapcore, self-made and trusted by nobody"  # the name on a certificate that Swapcore made
UNTRUSTED = "a self-made certificate: it shows that the file is whole, not who made it, and nobody trusts it"
MEMORY = 32  # MiB that the library keeps of a file before it uses the disk; it hashes up to 256 at a time beside them


class Identity(NamedTuple):
    """Who signs: certificates as PEM, the signer's first, and its key."""

    chain: bytes
    key: bytes
    algorithm: str  # as C2PA calls it: es256, ps256, ed25519 ...
    tsa_url: str  # a time-stamping authority; "" for none
    self_made: bool


def facts(identity: Identity) -> dict[str, Any]:
    """What provenance.json says of the signer: name, serial number and end of the certificate, and whether anybody vouches."""
    from cryptography import x509

    own = x509.load_pem_x509_certificates(identity.chain)[0]
    return {
        "signer": own.subject.rfc4514_string(),
        "serial": str(own.serial_number),
        "until": f"{own.not_valid_after_utc:%Y-%m-%d}",
        "algorithm": identity.algorithm,
        "time_stamp": identity.tsa_url,
        "self_made": identity.self_made,
        **({"means": UNTRUSTED} if identity.self_made else {}),
    }


def manifest(sidecar: dict[str, Any]) -> dict[str, Any]:
    """The statement that is signed, from what provenance.json will say: action, ingredients by digest, the sidecar's digest.

    It names nobody: ingredients go by what they are.
    """
    clip = sidecar["clip"]
    kind = mimetypes.guess_type(clip["file"])[0] or "application/octet-stream"
    ingredients = [_ingredient("Video that was changed", "parentOf", "clip", clip["sha256"], kind)]
    for k, swap in enumerate(sidecar["swaps"], 1):
        digests = {
            f"Trained model {k}": swap.get("weights", {}).get("sha256"),
            f"Faces that model {k} learned to show": swap.get("datasets", {}).get("source"),
        }
        for part, (title, digest) in enumerate(digests.items()):
            if digest:
                name, data = f"model_{k}_{part}", "application/octet-stream"
                ingredients.append(_ingredient(title, "inputTo", name, digest, data))
    inputs = [one["label"] for one in ingredients[1:]]
    agent = {"name": "Swapcore", "version": __version__}
    actions = [
        {"action": "c2pa.opened", "parameters": {"ingredientIds": ["clip"]}},
        {
            "action": "c2pa.edited",
            "digitalSourceType": SOURCE_TYPE,
            "softwareAgent": agent,
            "description": "Faces were replaced by those that a trained model made.",
            **({"parameters": {"ingredientIds": inputs}} if inputs else {}),
        },
    ]
    return {
        "claim_generator_info": [agent],
        "title": sidecar["video"]["metadata"]["title"],
        "format": "video/mp4",
        "ingredients": ingredients,
        "assertions": [
            actions_of(actions),
            {"label": PROVENANCE, "data": {"alg": "sha256", "hash": statement(sidecar)}},
        ],
    }


def _ingredient(title: str, relation: str, label: str, digest: str, kind: str) -> dict[str, str]:
    said = f"sha256:{digest}"
    return {
        **{"title": title, "relationship": relation, "label": label, "format": kind},
        **{"instance_id": said, "description": said},
    }


def actions_of(actions: list[dict[str, Any]]) -> dict[str, Any]:
    """The assertion of these actions."""
    return {"label": "c2pa.actions.v2", "data": {"actions": actions}}


def sign(path: str | Path, out: str | Path, definition: dict[str, Any], identity: Identity) -> None:
    """Write a copy of an MP4 with signed credentials in it. Takes up to 600 MB of memory, whatever the file's size.

    Two runs differ in the name of the statement, its salts and the signature, and in nothing else.
    """
    from c2pa import C2paError

    with open(path, "rb") as source, _Written(out) as made:
        try:
            signed_copy(source, made, "video/mp4", definition, identity)
        except C2paError as error:
            if made.failed:
                raise made.failed from None
            said = " ".join(str(error).split())[:200]
            remedy = f"check that {identity.tsa_url} answers, or leave label.tsa_url empty"
            remedy = remedy if identity.tsa_url else "give another certificate, or none"
            raise SwapError(f"{out}: cannot be signed ({said}); {remedy}") from None


class _Written(io.FileIO):
    """A file to write that remembers what went wrong: the library only says that something did."""

    failed: OSError | None = None

    def __init__(self, path: str | Path):
        super().__init__(path, "w+")

    def write(self, data: Any) -> int:
        try:
            left = memoryview(data)
            while left:
                left = left[super().write(left) :]
            return len(data)
        except OSError as error:
            self.failed = error
            raise


def signed_copy(source: Any, made: Any, kind: str, definition: dict[str, Any], identity: Identity) -> None:
    """Write a signed copy of one stream of the MIME type `kind` to another. Raises c2pa.C2paError."""
    from c2pa import Builder, C2paSignerInfo, Signer

    info = C2paSignerInfo(identity.algorithm, identity.chain, identity.key, identity.tsa_url or None)
    with _context() as context, Signer.from_info(info) as signer, Builder(json.dumps(definition), context) as builder:
        builder.sign(signer, kind, source, made)


def _context(trust: str = "") -> Any:
    """The library's settings: no network; `trust` are certificates as PEM that may vouch for a signer."""
    from c2pa import Context

    settings = {
        "version": 1,
        "core": {"backing_store_memory_threshold_in_mb": MEMORY},
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
        "builder": {"thumbnail": {"enabled": False}},
    }
    if trust:
        settings["trust"] = {"trust_anchors": trust}
    return Context.from_dict(settings)


def read(path: str | Path, *, trust: str = "") -> dict[str, Any] | None:
    """What a file's credentials say and whether they hold; None where there are none. Asks nobody over the network.

    state       Valid; Trusted, where one of `trust` (PEM) vouches for the signer; Invalid
    asked       whether there was anybody to vouch
    problems    what does not hold, a line each; that nobody vouches is none
    signer, issuer, serial      of the certificate
    types       digitalSourceType of each action;  ingredients: {title, relationship} of each
    provenance  digest of the sidecar, "" where none is stated
    """
    from c2pa import C2paError, Reader

    try:
        with _context(trust) as context, open(path, "rb") as file:
            reader = Reader.try_create("video/mp4", file, context=context)
            if reader is None:
                return None
            with reader:
                said = json.loads(reader.json())
    except C2paError as error:
        return {"state": "Invalid", "problems": [" ".join(str(error).split())[:200]]}
    active = said.get("manifests", {}).get(said.get("active_manifest"), {})
    by_label = {one["label"]: one.get("data", {}) for one in active.get("assertions", [])}
    actions = [
        a for label, data in by_label.items() if label.startswith("c2pa.actions") for a in data.get("actions", [])
    ]
    signature = active.get("signature_info", {})
    problems = [
        f"{one['code']}: {one.get('explanation', '')}"
        for one in said.get("validation_status", [])
        if one["code"] != "signingCredential.untrusted"
    ]
    return {
        "state": said.get("validation_state", "Invalid"),
        "asked": bool(trust),
        "problems": problems,
        "signer": signature.get("common_name", ""),
        "issuer": signature.get("issuer", ""),
        "serial": str(signature.get("cert_serial_number", "")),
        "types": [a["digitalSourceType"] for a in actions if "digitalSourceType" in a],
        "ingredients": [{k: i.get(k, "") for k in ("title", "relationship")} for i in active.get("ingredients", [])],
        "provenance": by_label.get(PROVENANCE, {}).get("hash", ""),
    }
