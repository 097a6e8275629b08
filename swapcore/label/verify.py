"""What a finished video claims, and whether it holds: against its own credentials, its picture and its provenance.json."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal, NamedTuple

from swapcore import store, video
from swapcore.errors import SwapError
from swapcore.label import credentials
from swapcore.label.note import covers, looked_at, shows_note
from swapcore.label.record import FORMAT, NOTE_KEY, SOURCE_TYPE, statement

REMOVED = "they were removed, as uploading or converting does; get the original file"
LONGEST = 500  # letters of a note that is looked for; ours have at most 80
SHOWN = 3  # problems of the credentials that are named


class Facts(NamedTuple):
    """What a file has, read once."""

    sha256: str
    metadata: dict[str, str]  # keys in lower case
    content_sha256: str  # of the picture's packets
    sound_sha256: list[str]  # of each sound's packets
    note: dict[str, Any]  # mode, text and seconds, as the metadata say, else provenance.json
    looked: int  # frames looked at for the note
    bare: list[int]  # numbers of those that do not show it
    credentials: dict[str, Any] | None  # see credentials.read


class Finding(NamedTuple):
    """A line for people."""

    kind: Literal["says", "notice", "fault"]
    text: str


def verify(path: str | Path, provenance: str | Path, *, trust: str = "") -> list[Finding]:
    """What a video says and what of it does not hold, in an order for reading. It holds where no finding is a fault.

    `provenance` may be missing, which is a fault. `trust` are certificates as PEM: where there are any, one must vouch for
    the signer. Raises SwapError for a file that cannot be read as a video.
    """
    sidecar, why = _sidecar(Path(provenance))
    note = (sidecar or {}).get("note")
    facts = look(path, note=note if isinstance(note, dict) else {}, trust=trust)
    return judge(facts, sidecar, missing=why)


def _sidecar(path: Path) -> tuple[dict[str, Any] | None, str]:
    """provenance.json, or None and why."""
    if not path.is_file():
        return None, f"{path} is missing: who was swapped and who agreed to it is not known; put it beside the video"
    try:
        found = store.read_json(path)
    except SwapError:
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("video"), dict):
        return (
            None,
            f"{path}: expected a provenance.json of Swapcore, found something else; put back the one that was made",
        )
    return found, ""


def look(path: str | Path, *, note: dict[str, Any], trust: str = "") -> Facts:
    """Read a file, and look at up to five frames that should show its note; `note` stands in for a file's lost metadata."""
    path = Path(path)
    metadata = video.read_metadata(path)
    claimed = _object(metadata.get(NOTE_KEY, "")) or note
    looked, bare = _noted(path, claimed)
    return Facts(
        sha256=store.sha256(path),
        metadata=metadata,
        content_sha256=video.content_digest(path),
        sound_sha256=video.sound_digests(path),
        note=claimed,
        looked=looked,
        bare=bare,
        credentials=credentials.read(path, trust=trust),
    )


def _noted(path: Path, note: dict[str, Any]) -> tuple[int, list[int]]:
    """How many frames were looked at for a note, and which of them do not show it."""
    try:
        mode, text, seconds = note.get("mode"), str(note.get("text", "")), float(note.get("seconds", 0))
    except (TypeError, ValueError):
        return 0, []
    if mode not in ("opening", "always") or not text.strip() or len(text) > LONGEST or not math.isfinite(seconds):
        return 0, []
    frames, info = video.listed(path, name=path.stem)
    covered = covers(frames.pts, time_base=info.time_base, mode=mode, seconds=seconds)
    wanted = looked_at(covered)
    pictures = video.decode(path, frames, info, wanted=wanted)
    return len(wanted), [number for number, frame_bgr in pictures if not shows_note(frame_bgr, text)]


def _object(text: str) -> dict[str, Any]:
    """A JSON object; empty where the text is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def judge(facts: Facts, sidecar: dict[str, Any] | None, *, missing: str = "") -> list[Finding]:
    """The findings about a file with these facts and this provenance.json; `missing` says why there is none."""
    found = [*_claims(facts), *_picture(facts), *_signature(facts, sidecar)]
    if sidecar is None:
        return [*found, Finding("fault", missing)]
    return [*found, *_people(sidecar), *_digests(facts, sidecar)]


def _claims(facts: Facts) -> list[Finding]:
    """What the metadata say."""
    said, found = facts.metadata, []
    if said.get("digital_source_type") == SOURCE_TYPE and "synthetic" in said.get("comment", "").lower():
        found.append(Finding("says", f"{said['comment']} Digital source type: {SOURCE_TYPE.rsplit('/', 1)[1]}"))
    else:
        found.append(Finding("fault", f"its metadata do not say that it is synthetic: {REMOVED}"))
    label = _object(said.get("aigc", ""))
    if label.get("Label") == "1":
        found.append(Finding("says", f"AIGC label: generated content, producer {label.get('ContentProducer', '')!r}"))
    else:
        found.append(Finding("fault", f"its metadata have no AIGC label: {REMOVED}"))
    if label and label.get("ReservedCode1") != f"sha256:{facts.content_sha256}":
        found.append(
            Finding("fault", "its picture is not the one that its AIGC label was made for: it was changed or cut")
        )
    return found


def _picture(facts: Facts) -> list[Finding]:
    """Whether the visible note is seen."""
    note, mode = facts.note, facts.note.get("mode")
    if NOTE_KEY not in facts.metadata:
        lost = Finding("fault", f"its metadata do not say whether it has a visible note: {REMOVED}")
    else:
        lost = None
    if mode == "off":
        found = [Finding("says", "visible note: none")]
    elif not facts.looked:
        found = []
    else:
        when = "throughout" if mode == "always" else f"in the first {float(note.get('seconds', 0)):g} s"
        seen = f"seen in {facts.looked - len(facts.bare)} of {facts.looked} frames looked at"
        found = [Finding("says", f"visible note {when}: {note.get('text', '')!r}, {seen}")]
    if facts.bare:
        frames = ", ".join(map(str, facts.bare))
        found.append(
            Finding("fault", f"its visible note is not seen in frame {frames}: it was covered, cut off or removed")
        )
    return [lost, *found] if lost else found


def _signature(facts: Facts, sidecar: dict[str, Any] | None) -> list[Finding]:
    """What the credentials say, and whether they hold."""
    held = facts.credentials
    if held is None:
        return [Finding("fault", f"it has no content credentials: {REMOVED}")]
    found = []
    if "signer" in held:
        made = ", ".join(f"{i['title']} ({i['relationship']})" for i in held["ingredients"])
        found.append(
            Finding("says", f"content credentials of {held['issuer']!r} ({held['signer']}); made from: {made}")
        )
    if held["state"] not in ("Valid", "Trusted"):
        shown = "; ".join(held["problems"][:SHOWN]) or "no reason given"
        about_signer = held["problems"] and all(one.startswith("signingCredential.") for one in held["problems"])
        why = "the signer's certificate is not valid, or no longer" if about_signer else "the file was changed"
        found.append(Finding("fault", f"its content credentials do not hold, for {why} ({shown})"))
        return found
    if SOURCE_TYPE not in held["types"]:
        found.append(Finding("fault", "its content credentials do not say that a trained model made a part of it"))
    said = (sidecar or {}).get("credentials")
    said = said if isinstance(said, dict) else {}
    if held["state"] == "Trusted":
        found.append(Finding("says", "the signer is vouched for by a certificate that you trust"))
    elif held["asked"]:
        found.append(Finding("fault", f"nobody whom you trust vouches for its signer, {held['issuer']!r}"))
    elif said.get("self_made") or held["issuer"] == credentials.SELF_MADE:
        found.append(Finding("notice", f"signed with {credentials.UNTRUSTED}"))
    else:
        unchecked = "whether its signer is to be trusted was not checked: name certificates by --trust roots.pem"
        found.append(Finding("notice", unchecked))
    if sidecar is not None and said.get("serial") != held["serial"]:
        found.append(Finding("fault", "it is signed with another certificate than provenance.json names"))
    if sidecar is not None and not _signed_as_it_is(sidecar, held["provenance"]):
        found.append(
            Finding("fault", "provenance.json is not the one that was signed: it was edited, or is another video's")
        )
    return found


def _signed_as_it_is(sidecar: dict[str, Any], digest: str) -> bool:
    try:
        return statement(sidecar) == digest
    except ValueError:  # numbers that JSON does not have
        return False


def _people(sidecar: dict[str, Any]) -> list[Finding]:
    """Who was swapped as whom, and by whose consent."""
    found = []
    swaps, consents = sidecar.get("swaps"), sidecar.get("consents")
    for swap in (s for s in (swaps if isinstance(swaps, list) else []) if isinstance(s, dict)):
        model = f"model {swap.get('model', '?')}, {swap.get('steps', '?')} steps"
        found.append(
            Finding(
                "says", f"swap {swap.get('name')}: {swap.get('target')} has the face of {swap.get('source')}; {model}"
            )
        )
    for name, consent in (consents if isinstance(consents, dict) else {}).items():
        consent = consent if isinstance(consent, dict) else {}
        parts = [consent.get("basis", "?"), consent.get("by"), consent.get("date"), consent.get("scope")]
        found.append(Finding("says", f"consent of {name}: {', '.join(str(part) for part in parts if part)}"))
    return found


def _digests(facts: Facts, sidecar: dict[str, Any]) -> list[Finding]:
    """Whether the file is the one that provenance.json was written for; if not, what of it is another."""
    said, found = sidecar["video"], []
    if said.get("content_sha256") != facts.content_sha256:
        found.append("its picture is not that of provenance.json: it was encoded again, cut or changed")
    if said.get("sound_sha256") != facts.sound_sha256:
        found.append("its sound is not that of provenance.json: it was removed, added or changed")
    recorded = said.get("metadata")
    recorded = recorded if isinstance(recorded, dict) else {}
    other = [key for key, value in recorded.items() if facts.metadata.get(key.lower()) != value]
    if other or not recorded:
        found.append(f"its metadata are not those of provenance.json: {', '.join(other) or 'none are recorded'}")
    if said.get("sha256") != facts.sha256:
        found.append("its bytes are not those of provenance.json (sha256)")
    elif not found:
        return [Finding("says", "picture, sound, metadata and bytes are those of provenance.json")]
    return [Finding("fault", text) for text in found]


def faults(findings: list[Finding]) -> list[str]:
    """What does not hold."""
    return [finding.text for finding in findings if finding.kind == "fault"]
