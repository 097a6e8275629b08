"""What a video says of itself: the metadata of its container, and provenance.json beside it.

Nothing here takes the time of day: the same inputs give the same record.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from swapcore import __version__, store
from swapcore.errors import SwapError
from swapcore.label.note import covers
from swapcore.types import ClipInfo, FrameTable

TOOL = f"Swapcore {__version__}"
FORMAT = "swapcore provenance 1"  # of the sidecar
ROLES = {"source": "target", "target": "source"}  # what a person of a swap is to the model of one that goes back
FETCHED = ".snakemake/storage/s3/"  # where Snakemake puts what it fetches from a bucket: the bucket, then its own path
NOTE_KEY = "swapcore_note"  # of the composite's metadata
# IPTC's term for pictures of which a part was made by a trained model
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"


def note_record(*, mode: str, text: str, seconds: float) -> dict[str, str]:
    """Which note was drawn, as metadata of the composite and of the video."""
    shown = {"mode": mode} if mode == "off" else {"mode": mode, "text": text}
    if mode == "opening":
        shown["seconds"] = f"{seconds:g}"
    return {NOTE_KEY: json.dumps(shown, ensure_ascii=False)}


def check_record(found: dict[str, str], *, mode: str, text: str, seconds: float, where: str) -> None:
    """Raise SwapError where a composite's metadata (keys in lower case) is not what `note_record` gives."""
    wanted = note_record(mode=mode, text=text, seconds=seconds)[NOTE_KEY]
    if found.get(NOTE_KEY) != wanted:
        raise SwapError(
            f"{where}: the settings ask for the note {wanted}, the composite says {found.get(NOTE_KEY, 'nothing of one')}; "
            "delete it and run snakemake again"
        )


def aigc(*, producer: str, content_sha256: str) -> dict[str, str]:
    """The implicit label of GB 45438-2025, appendix E, as the value of the metadata's key `AIGC`.

    Label: "1", the content is generated (2 would be "may be", 3 "suspected"). ContentProducer, ContentPropagator: name
    or code of who made and who spreads it; here the same, for the maker hands it out. ProduceID, PropagateID: their
    number of the content; here from its digest. ReservedCode1 and 2 serve the producer's and the propagator's
    protection of integrity: the sha256 of the picture's packets, which anybody can compute anew
    (`video.content_digest`), and nothing.
    """
    who = producer.strip() or f"not stated, made with {TOOL}"
    number = f"swapcore-{content_sha256[:32]}"
    return {
        "Label": "1",
        "ContentProducer": who,
        "ProduceID": number,
        "ReservedCode1": f"sha256:{content_sha256}",
        "ContentPropagator": who,
        "PropagateID": number,
        "ReservedCode2": "",
    }


def marks() -> dict[str, str]:
    """What every file with swapped pixels says of itself, also the composite, which somebody may keep: that it is synthetic."""
    return {
        "comment": f"Synthetic: faces in this video were swapped with {TOOL}. See its provenance.json.",
        "software": TOOL,
        "digital_source_type": SOURCE_TYPE,
    }


def metadata(*, producer: str, content_sha256: str, record: dict[str, str]) -> dict[str, str]:
    """The video's metadata: that it is synthetic, by which tool, the AIGC label, and the note's record.

    It names nobody but `producer`: who was swapped, and by whose consent, stands in provenance.json.
    """
    return {
        "title": "Synthetic video",  # a video's own name often holds the names of people
        **marks(),
        "AIGC": json.dumps(aigc(producer=producer, content_sha256=content_sha256), ensure_ascii=False),
        **record,
    }


# the sidecar


def input_record(path: str | Path) -> dict[str, str]:
    """Path and sha256 of an input; a file outside the project goes by its name alone, one fetched from a bucket by its address.

    Of a folder it is the digest of its pictures; of a frames.parquet the name and the digest of its clip stand too.
    """
    path = Path(path)
    place = path.name if path.is_absolute() else path.as_posix()
    if FETCHED in (whole := path.as_posix()):
        place = f"s3://{whole.rpartition(FETCHED)[2]}"
    found = {"file": place, "sha256": store.sha256(path)}
    if path.name == "frames.parquet":
        _, meta = store.read_table(path, FrameTable)
        found |= {"clip": meta["clip"]["name"], "clip_sha256": meta["sha256"]}
    return found


def provenance(
    *,
    video: dict[str, str],
    clip: dict[str, Any],
    frames: FrameTable,
    info: ClipInfo,
    origin: int,
    swaps: list[dict[str, str]],
    trained: dict[str, dict[str, Any]],
    consents: dict[str, dict[str, str]],
    note: dict[str, Any],
    metadata: dict[str, str],
    settings: dict[str, Any],
    inputs: list[dict[str, str]],
    credentials: dict[str, Any],
) -> dict[str, Any]:
    """Everything that made a video, as JSON for provenance.json.

    video     name, file, sha256 of the file, content_sha256 of the picture's packets, sound_sha256 of those of each sound
    clip      name, file, sha256, start, end
    origin    the pts of the source that is time 0 of the video
    swaps     name, source, target of each, and `back_of` where another's model is used the other way round
    trained   by swap's name, what its trained.json says
    consents  by person; nobody who was swapped may be missing
    note      mode, text, seconds, reason of the settings
    inputs    file and sha256 of each
    credentials  who signs the video, see `credentials.facts`

    Raises SwapError for a swap without training record or a person without consent.
    """
    made = []
    for swap in swaps:
        if swap["name"] not in trained:
            raise SwapError(
                f"video {video['name']}: no trained.json of swap {swap['name']} among the inputs; run snakemake again"
            )
        for person in (swap["source"], swap["target"]):
            if not consents.get(person):
                raise SwapError(
                    f"video {video['name']}: no consent record of {person}; add it to config.yaml under people"
                )
        facts = trained[swap["name"]]
        keys = (
            "model",
            "resolution",
            "steps",
            "seconds",
            "mask",
            "centring",
            "coverage",
            "settings",
            "datasets",
            "weights",
        )
        made.append({**swap, **{key: facts[key] for key in keys if key in facts}})
        if (
            "back_of" in swap and "datasets" in facts
        ):  # of the swap's own source and target, which the model calls otherwise
            made[-1]["datasets"] = {role: facts["datasets"][other] for role, other in ROLES.items()}
    covered = covers(frames.pts, time_base=info.time_base, mode=note["mode"], seconds=note["seconds"])
    shown = {"mode": note["mode"], "frames": int(covered.sum())}
    shown |= {"reason": note["reason"]} if note["mode"] == "off" else {"text": note["text"]}
    shown |= {"seconds": note["seconds"]} if note["mode"] == "opening" else {}
    return {
        "format": FORMAT,
        "synthetic": True,
        "tool": {"name": "Swapcore", "version": __version__},
        "video": {
            **video,
            "width": info.width,
            "height": info.height,
            "frames": len(frames),
            "time_base": str(info.time_base),
            "origin_pts": origin,
            "metadata": metadata,
        },
        "clip": {**clip, "first_frame": int(frames.number[0]), "last_frame": int(frames.number[-1])},
        "swaps": made,
        "consents": consents,
        "note": shown,
        "settings": settings,
        "inputs": inputs,
        "credentials": credentials,
    }


def statement(sidecar: dict[str, Any]) -> str:
    """sha256 of what provenance.json says but for the video's own digest, whatever the order of keys and the layout.

    The video's credentials hold it, so that neither can be changed alone.
    """
    said = {**sidecar, "video": {k: v for k, v in sidecar["video"].items() if k != "sha256"}}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
