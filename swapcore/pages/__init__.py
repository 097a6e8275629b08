"""Pages to read: each one HTML file that needs neither a network nor a script, its pictures inside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from importlib import resources

import numpy as np

from swapcore import store
from swapcore.store.marks import marked

__all__ = ["document", "escape", "picture"]

HEAD = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
)


def document(title: str, body: str) -> str:
    """A whole page: `title` is text, `body` HTML, of which all that comes from outside went through `escape`."""
    style = (resources.files(__package__) / "style.css").read_text(encoding="utf-8")
    return (
        f"{HEAD}<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def picture(image_bgr: np.ndarray, words: str, *, quality: int = 85, marks: Mapping[str, str] | None = None) -> str:
    """(h, w, 3) uint8 BGR as an <img>, a JPEG inside; `words` say what it shows, `marks` (label.marks()) go into the JPEG."""
    jpeg = store.encode_picture(image_bgr, ".jpg", quality=quality)
    data = base64.b64encode(marked(jpeg, marks) if marks else jpeg).decode()
    height, width = image_bgr.shape[:2]
    return f'<img src="data:image/jpeg;base64,{data}" width="{width}" height="{height}" alt="{escape(words)}">'
