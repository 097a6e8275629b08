"""JPEG files that say of themselves that they are synthetic."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from xml.sax.saxutils import escape

SOI = b"\xff\xd8"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">'
    "<Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType><xmp:CreatorTool>{tool}</xmp:CreatorTool>"
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


def marked(jpeg: bytes, marks: Mapping[str, str]) -> bytes:
    """A JPEG with label.marks(): the comment as a COM segment, tool and IPTC's digital source type as XMP."""
    if not jpeg.startswith(SOI):
        raise ValueError("expected a JPEG")
    packet = PACKET.format(source=escape(marks["digital_source_type"]), tool=escape(marks["software"]))
    said = _segment(0xE1, XMP + packet.encode()) + _segment(0xFE, marks["comment"].encode())
    at = 4 + int.from_bytes(jpeg[4:6], "big") if jpeg[2:4] == b"\xff\xe0" else 2  # JFIF's own segment stays the first
    return jpeg[:at] + said + jpeg[at:]


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
