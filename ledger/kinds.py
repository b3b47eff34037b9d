"""A kind of statement as people read it: its fields with their types in words, and an empty draft of it.

Made from the vocabulary itself, so that what FORMAT.md and `constancia kinds` say of a kind is what is accepted.
"""

from typing import NamedTuple

import msgspec
from msgspec import inspect

from ledger.vocabulary import MAX_INTEGER, Shape, Statement

FILLED_IN = frozenset({"by", "said_at", "lang", "plan", "printed"})
"""Fields that every kind has, or that whoever signs need not write."""

BY_SIGNING = FILLED_IN - {"plan"}
"""Fields that no draft need have. The plan is written; where it is left empty, signing reads it off an id of the draft
that begins with it, if there is one."""


class Field(NamedTuple):
    """A field: `mark` is empty where it must be there, `?` where not, `°` where only a printed one may lack it."""

    name: str
    mark: str
    type: str


def fields_of(shape: type[msgspec.Struct], leave_out: frozenset[str] = FILLED_IN) -> list[Field]:
    """The fields of a kind, or of an object in one, as FORMAT.md names their types."""
    needed: tuple[str, ...] = getattr(shape, "unless_printed", ())
    return [
        Field(
            field.encode_name,
            "" if field.required else "°" if field.name in needed else "?",
            type_in_words(field.type),
        )
        for field in _described(shape).fields
        if field.encode_name not in leave_out
    ]


def draft_of(kind: type[Statement]) -> dict[str, object]:
    """A draft to fill in: the fields that must be there, each empty or with its choices; refused as it stands."""
    draft: dict[str, object] = {"kind": kind.__name__}
    if "plan" in kind.__struct_fields__:
        draft["plan"] = ""
    for name, empty in _empty_fields(kind).items():
        if name == "person" or _title(kind, name) == "salted digest":
            draft[name] = {"$content": {"name" if name == "person" else "text": ""}}  # the digest is made by `sign`
        elif _title(kind, name) != "claim":  # and so is this
            draft[name] = empty
    return draft


def types_in(kind: type[Statement]) -> list[str]:
    """The names of the types that the fields of a kind have, and of those inside its objects; each once."""
    found: list[str] = []
    for field in _described(kind).fields:
        if field.encode_name not in BY_SIGNING:
            _collect(field.type, found)
    return found


def _collect(type_: inspect.Type, found: list[str]) -> None:
    match type_:
        case inspect.Metadata(type=inner, extra_json_schema=extra):  # pyright: ignore[reportUnknownVariableType]
            titles: dict[str, str] = extra or {}  # pyright: ignore[reportUnknownVariableType]
            if title := titles.get("title"):
                found += [] if title in found else [title]
            else:
                _collect(inner, found)
        case inspect.UnionType(types=options):
            for option in options:
                _collect(option, found)
        case inspect.VarTupleType(item_type=item):
            _collect(item, found)
        case inspect.StructType(cls=cls):
            found += [] if cls.__name__ in found else [cls.__name__]
            for field in _described(cls).fields:
                _collect(field.type, found)
        case _:
            pass


def object_of(name: str) -> list[Field] | None:
    """The fields of an object that kinds have, by its name; None where that is the name of another type."""
    found = next((each for each in Shape.__subclasses__() if each.__name__ == name), None)
    return None if found is None else fields_of(found, frozenset())


def _title(kind: type[Statement], name: str) -> str:
    field = next(each for each in _described(kind).fields if each.encode_name == name)
    return type_in_words(field.type)


def _described(shape: type[msgspec.Struct]) -> inspect.StructType:
    described = inspect.type_info(shape)
    if not isinstance(described, inspect.StructType):
        raise TypeError(f"{shape.__name__} has no fields")
    return described


def _empty_fields(shape: type[msgspec.Struct]) -> dict[str, object]:
    needed: tuple[str, ...] = getattr(shape, "unless_printed", ())
    fields = [each for each in _described(shape).fields if each.required or each.name in needed]
    if fields and not issubclass(shape, Statement) and "check" in vars(shape):
        fields = list(_described(shape).fields)  # what is checked together is shown together: a date and its precision
    # An object whose fields are all optional (words, a scope) is shown with the first of them.
    return {
        field.encode_name: _empty(field.type)
        for field in fields or _described(shape).fields[:1]
        if field.encode_name not in FILLED_IN
    }


def _empty(type_: inspect.Type) -> object:
    match type_:
        case inspect.Metadata(type=inner):  # pyright: ignore[reportUnknownVariableType]
            return _empty(inner)
        case inspect.UnionType(types=options):
            return _empty(options[0])
        case inspect.VarTupleType(item_type=item, min_length=least):
            return [_empty(item)] * least if least else []
        case inspect.LiteralType(values=values):
            return "|".join(map(str, values))
        case inspect.StructType(cls=cls):
            return _empty_fields(cls)
        case inspect.IntType():
            return 0
        case _:
            return ""


def type_in_words(type_: inspect.Type) -> str:
    """A field's type as FORMAT.md names it."""
    match type_:
        case inspect.Metadata(type=inner, extra_json_schema=extra):  # pyright: ignore[reportUnknownVariableType]
            titles: dict[str, str] = extra or {}  # pyright: ignore[reportUnknownVariableType]
            return titles.get("title") or type_in_words(inner)
        case inspect.UnionType(types=options):
            return " or ".join(type_in_words(one) for one in options)
        case inspect.VarTupleType(item_type=item, min_length=least, max_length=most):
            return f"list {least or 0}..{most or 256} of {type_in_words(item)}"
        case inspect.IntType(ge=least, le=most):
            return f"integer {_bound(least)}..{_bound(most)}"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(f"`{one}`" for one in values)
        case inspect.StructType(cls=cls):
            return cls.__name__
        case _:
            raise TypeError(f"no words for {type_!r}")


def _bound(number: int | None) -> str:
    """A bound of an integer, 2^53−1 by its name. Every integer of the vocabulary has bounds."""
    if number is None:
        raise TypeError("an integer without bounds")
    return {MAX_INTEGER: "2^53−1", -MAX_INTEGER: "−(2^53−1)"}.get(number, str(number))
