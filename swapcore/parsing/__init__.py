"""What of a crop is face: networks that parse it, and their answers held steady through a track.

`parser` makes a function of crops; `steady` filters what it said of the faces of one track.
"""

from swapcore.parsing.nets import PARSERS, SIDE, Parse, parser
from swapcore.parsing.steady import CONTEXT, steady

__all__ = ["CONTEXT", "PARSERS", "SIDE", "Parse", "parser", "steady"]
