"""Descriptions of config.yaml, made from the fields: a JSON schema for editors, a page of settings for people.

`python -m swapcore.config schema` and `python -m swapcore.config settings` print them. The check itself is `load`.
"""

from __future__ import annotations

import types
import typing
from typing import Any

from swapcore.config.entries import ALSO, Person, Swap
from swapcore.config.fields import SECTIONS
from swapcore.config.kinds import Section


def schema() -> dict[str, Any]:
    """JSON schema (2020-12) of config.yaml."""
    defs: dict[str, Any] = {}
    for model in (*SECTIONS.values(), Person):
        found = model.model_json_schema(ref_template="#/$defs/{model}")
        defs.update(found.pop("$defs", {}))
        defs[model.__name__] = found

    def ref(model: type[Section]) -> dict[str, str]:
        return {"$ref": f"#/$defs/{model.__name__}"}

    def rows(**properties: Any) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "object", "additionalProperties": False, "properties": properties}}

    text = {"type": "string"}
    also = {"type": "array", "items": {"enum": list(typing.get_args(ALSO))}}
    also_back = {"type": "boolean", "description": " ".join(Swap.model_fields["also_back"].description.split())}
    own = {name: ref(SECTIONS[name]) for name in ("train", "convert", "label")}
    properties = {
        "clips": text | {"description": "Path of the table of clips."},
        "also": also | {"description": "What is made beside every video; a video's own `also` replaces it."},
        "state": text
        | {"description": "Folder of what training needs to go on; may be lost, training then begins anew."},
        "people": {"type": "object", "additionalProperties": ref(Person)},
        "swaps": rows(name=text, source=text, target=text, also_back=also_back, train=own["train"]),
        "videos": rows(
            name=text,
            clip=text,
            swaps={"type": "array", "items": text},
            also=also,
            convert=own["convert"],
            label=own["label"],
        ),
        **{name: ref(model) for name, model in SECTIONS.items()},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Swapcore config.yaml",
        "type": "object",
        "additionalProperties": False,
        "required": ["people"],
        "properties": properties,
        "$defs": dict(sorted(defs.items())),
    }


def settings_page() -> str:
    """Every setting with its default, bounds and meaning, as Markdown."""
    lines = [
        "# Settings",
        "",
        "Every setting of `config/config.yaml`, made from the code by `./run python -m swapcore.config settings`.",
        "Each section can be set for all; `train` also in a swap, `convert` and `label` in a video, `sort` and `clean` in a",
        "person, where they are laid over the setting for all. (hint) marks what cannot change a result: changing it makes",
        "nothing again.",
        "",
        "```yaml",
        "convert:                       # for all videos",
        "  soften: 0.15",
        "  encoder: {crf: 16}           # encoder.crf in the table below",
        "also: [preview, exr]           # beside every video: side_by_side, preview, png, exr, prores, ffv1; see guide.md",
        "people:",
        "  ann: {clean: {max_occlusion: 80}, consent: {basis: synthetic}}",
        "swaps:",
        "  - {name: lead_onto_double, source: lead, target: double, also_back: true, train: {model: dfaker}}   # see guide.md",
        "videos:",
        "  - {name: scene1, clip: stunt, swaps: [lead_onto_double], convert: {mask: components}}   # for this one",
        "```",
    ]
    for name, model in SECTIONS.items():
        lines += [
            "",
            f"## {name}",
            "",
            (model.__doc__ or "").strip(),
            "",
            "| setting | default | may be | meaning |",
            "|---|---|---|---|",
        ]
        lines += _rows(model(), "")
    return "\n".join(lines) + "\n"


def _rows(section: Section, prefix: str) -> list[str]:
    """One row per field of a section that holds nothing but defaults."""
    rows = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            rows += _rows(value, f"{prefix}{name}.")
            continue
        hint = " (hint)" if name in section.hints() else ""
        default = "" if value is None else f"`{value}`" if value != "" else "`''`"
        bounds = _bounds(field.annotation, field.metadata)
        rows.append(
            f"| `{prefix}{name}` | {default} | {bounds} | {' '.join((field.description or '').split())}{hint} |"
        )
    return rows


def _bounds(annotation: Any, metadata: list[Any]) -> str:
    if typing.get_origin(annotation) is typing.Literal:
        return ", ".join(map(str, typing.get_args(annotation)))
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        kinds = [_bounds(a, metadata) for a in typing.get_args(annotation) if a is not type(None)]
        return " or ".join(dict.fromkeys(kinds))
    if typing.get_origin(annotation) is typing.Annotated:
        kind, *rules = typing.get_args(annotation)
        return _bounds(kind, [rule for given in rules for rule in getattr(given, "metadata", [given])])
    if typing.get_origin(annotation) is list:
        return "a list"
    words = []
    for rule in metadata:
        for key, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"), ("multiple_of", "a multiple of")):
            if (value := getattr(rule, key, None)) is not None:
                words.append(f"{sign} {value}")
    kind = {int: "whole number", float: "number", str: "text", bool: "true, false"}.get(annotation, "by name")
    return " ".join([kind, *words])
