"""What a video says of itself: the visible note, the container's metadata, and provenance.json beside it.

The note is drawn by `convert` and recorded in the composite's metadata; `label` checks both before it writes the video.
"""

from swapcore.label.note import check_picture, covers, looked_at, note, note_picture, shows_note
from swapcore.label.record import (
    NOTE_KEY,
    SOURCE_TYPE,
    TOOL,
    aigc,
    check_record,
    input_record,
    marks,
    metadata,
    note_record,
    provenance,
    statement,
)

__all__ = [
    "NOTE_KEY",
    "SOURCE_TYPE",
    "TOOL",
    "aigc",
    "check_picture",
    "check_record",
    "covers",
    "input_record",
    "looked_at",
    "marks",
    "metadata",
    "note",
    "note_picture",
    "note_record",
    "provenance",
    "shows_note",
    "statement",
]
