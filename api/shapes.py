"""The vocabulary as a module for browsers: what a statement of each kind must look like, from its types.

    export const TYPES = {"slug": {"pattern": "^…$"}, …};                      scalars by their names in FORMAT.md
    export const SHAPES = {"Words": {"fields": {"text": [T, required], …}, "unless_printed": […]}, …};
    export const KINDS = ["LedgerOpened", …];

A type T is a name of TYPES, or one of {"pattern", "min", "max"}, {"integer": [least, most]}, {"one_of": […]}, {"list":
T, "min", "max"}, {"shape": name}, {"any": [T, …]}, {"truth": true}. Nothing is kept by hand, so nothing goes stale:
the page that verifies receipts (static/statement.js) refuses what `ledger.vocabulary` refuses. What single shapes check
beyond their types (`Shape.check`) stands there once more, by name, and a test sees that none is missing.
"""

import json
from functools import cache
from typing import Any, cast

import msgspec
from msgspec import UNSET, inspect

from ledger.vocabulary import KINDS, Statement


@cache
def shapes_module() -> bytes:
    """The JavaScript module."""
    shapes: dict[str, Any] = {}
    types: dict[str, Any] = {}
    for kind in KINDS.values():
        _describe(kind, shapes, types)
    parts = {"TYPES": types, "SHAPES": shapes, "KINDS": list(KINDS)}
    lines = [f"export const {name} = {json.dumps(value, sort_keys=True)};\n" for name, value in parts.items()]
    return "".join(["// Made from ledger/vocabulary.py by api/shapes.py.\n", *lines]).encode()


def _describe(struct: type[msgspec.Struct], shapes: dict[str, Any], types: dict[str, Any]) -> None:
    if struct.__name__ in shapes:
        return
    described = inspect.type_info(struct)
    assert isinstance(described, inspect.StructType)
    shape: dict[str, Any] = {"fields": {}}
    shapes[struct.__name__] = shape
    for field in described.fields:
        shape["fields"][field.encode_name] = [_type(field.type, shapes, types), field.required]
    if issubclass(struct, Statement) and struct.unless_printed:
        shape["unless_printed"] = list(struct.unless_printed)


def _type(found: inspect.Type, shapes: dict[str, Any], types: dict[str, Any]) -> Any:
    match found:
        case inspect.Metadata():
            title = cast("dict[str, str]", cast("Any", found).extra_json_schema)["title"]
            types[title] = _type(found.type, shapes, types)
            return title
        case inspect.UnionType():
            if all(isinstance(one, inspect.LiteralType) or _is_absence(one) for one in found.types):
                lists = [one.values for one in found.types if isinstance(one, inspect.LiteralType)]
                return {"one_of": [code for values in lists for code in values]}
            options = [_type(one, shapes, types) for one in found.types if not _is_absence(one)]
            return options[0] if len(options) == 1 else {"any": options}
        case inspect.StrType():
            return _present(pattern=_in_javascript(found.pattern), min=found.min_length, max=found.max_length)
        case inspect.IntType():
            return {"integer": [found.ge, found.le]}
        case inspect.BoolType():
            return {"truth": True}
        case inspect.LiteralType():
            return {"one_of": list(found.values)}
        case inspect.VarTupleType():
            item = _type(found.item_type, shapes, types)
            return {"list": item, **_present(min=found.min_length, max=found.max_length)}
        case inspect.StructType():
            _describe(found.cls, shapes, types)
            return {"shape": found.cls.__name__}
        case _:
            raise AssertionError(f"a type that the browser has no words for: {found}")


def _is_absence(found: inspect.Type) -> bool:
    """UNSET, the type of a field that may be left out."""
    return isinstance(found, inspect.CustomType)


def _present(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None and value is not UNSET}


def _in_javascript(pattern: str | None) -> str | None:
    """A pattern of the vocabulary for JavaScript, where `$` without a flag is the very end."""
    return None if pattern is None else pattern.replace(r"\A", "^").replace(r"\Z", "$")
