"""Files: tables, JSON, pictures, face archives. Writes are atomic, reads are checked."""

from swapcore.store.archives import FaceArchive, crops, held, open_archives, write_archive
from swapcore.store.files import PICTURES, atomic, atomic_folder, pictures, read_json, sha256, write_bytes, write_json
from swapcore.store.given import check_given, check_writable, dated_now, read_bytes, read_text
from swapcore.store.images import encode_picture, read_picture, with_chunks, write_picture
from swapcore.store.masks import MaskArchive, write_masks
from swapcore.store.remembered import remembered
from swapcore.store.rows import (
    PNG_SIGNATURE,
    ROW_LIMIT,
    FaceRow,
    face_crop,
    face_png,
    face_row,
    read_face_row,
    with_track,
)
from swapcore.store.tables import read_table, write_table

__all__ = [
    "PICTURES",
    "PNG_SIGNATURE",
    "ROW_LIMIT",
    "FaceArchive",
    "FaceRow",
    "MaskArchive",
    "atomic",
    "atomic_folder",
    "check_given",
    "check_writable",
    "crops",
    "dated_now",
    "encode_picture",
    "face_crop",
    "face_png",
    "face_row",
    "held",
    "open_archives",
    "pictures",
    "read_bytes",
    "read_face_row",
    "read_json",
    "read_picture",
    "read_table",
    "read_text",
    "remembered",
    "sha256",
    "with_chunks",
    "with_track",
    "write_archive",
    "write_bytes",
    "write_json",
    "write_masks",
    "write_picture",
    "write_table",
]
