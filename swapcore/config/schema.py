"""The JSON schema of config.yaml, for editors; `python -m swapcore.config` prints it. The check itself is `load`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from swapcore.config.fields import SECTIONS, Person


def schema() -> dict[str, Any]:
    """JSON schema of config.yaml, for editors. The check itself is `load`."""

    def inline(model: type[BaseModel]) -> dict[str, Any]:
        return model.model_json_schema(ref_template="#/$defs/{model}")

    defs: dict[str, Any] = {}
    properties: dict[str, Any] = {
        "clips": {"type": "string", "description": "Table of the clips."},
        "state": {"type": "string"},
    }
    for name, model in {**SECTIONS, "person": Person}.items():
        found = inline(model)
        defs.update(found.pop("$defs", {}))
        defs[model.__name__] = found
        if name != "person":
            properties[name] = {"$ref": f"#/$defs/{model.__name__}"}
    properties["people"] = {"type": "object", "additionalProperties": {"$ref": "#/$defs/Person"}}
    own = {"train": {"$ref": "#/$defs/Train"}}
    text = {"type": "string"}
    properties["swaps"] = {
        "type": "array",
        "items": {"type": "object", "properties": {"name": text, "source": text, "target": text, **own}},
    }
    own = {"convert": {"$ref": "#/$defs/Convert"}, "label": {"$ref": "#/$defs/Label"}}
    names = {"type": "array", "items": text}
    properties["videos"] = {
        "type": "array",
        "items": {"type": "object", "properties": {"name": text, "clip": text, "swaps": names, **own}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Swapcore config.yaml",
        "type": "object",
        "additionalProperties": False,
        "required": ["clips", "people"],
        "properties": properties,
        "$defs": dict(sorted(defs.items())),
    }
