"""The catalogue: event types as closed shapes, and the sources that may send them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.kernel.canonical import canonical
from shared.kernel.codes import CODE_PATTERN
from shared.kernel.errors import Problem, Refused, refuse
from shared.kernel.strict_json import LARGEST_INTEGER

TYPE_PATTERN = r"^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*\.v[1-9][0-9]*$"
FIELD_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
TEXT_CHARACTERS = 2000
LARGEST_DOCUMENT_BYTES = 256 << 10
INSTANT_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldSpec(_Closed):
    """One field of an event's data; `scale` is the most decimal places, `max` the most characters."""

    type: Literal["text", "code", "integer", "decimal", "time", "boolean"]
    required: bool = False
    scale: int = Field(0, ge=0, le=6)
    max: int = Field(TEXT_CHARACTERS, ge=1, le=TEXT_CHARACTERS)
    minimum: int | None = None


class TypeSpec(_Closed):
    """An event type: its fields, whether it belongs to a case, and what makes it unique across sources."""

    title: str
    case: Literal["required", "optional", "none"] = "none"
    business_key: tuple[str, ...] = ()
    fields: dict[Annotated[str, Field(pattern=FIELD_PATTERN)], FieldSpec]

    @model_validator(mode="after")
    def _key_is_of_required_fields(self) -> "TypeSpec":
        for name in self.business_key:
            if name not in self.fields or not self.fields[name].required:
                raise ValueError(f"business_key: {name} is not a required field")
        return self


class SourceSpec(_Closed):
    """A registered source and what it may send."""

    title: str
    types: tuple[str, ...] | Literal["all"] = "all"
    unit_prefix: str = ""


class CatalogueDocument(_Closed):
    """What two people adopt."""

    types: dict[Annotated[str, Field(pattern=TYPE_PATTERN)], TypeSpec]
    sources: dict[Annotated[str, Field(pattern=CODE_PATTERN)], SourceSpec]

    @model_validator(mode="after")
    def _sources_name_types(self) -> "CatalogueDocument":
        for code, source in self.sources.items():
            unknown = sorted(set(source.types) - self.types.keys()) if source.types != "all" else []
            if unknown:
                raise ValueError(f"source {code}: unknown type {unknown[0]}")
        return self


@dataclass(frozen=True, slots=True)
class EventType:
    """A compiled type; `shape` reads data and refuses what is not declared."""

    name: str
    spec: TypeSpec
    shape: type[msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The types and sources in force since a version."""

    version: int
    types: Mapping[str, EventType]
    sources: Mapping[str, SourceSpec]


NOTHING_ADOPTED = Catalogue(0, {}, {})


def parse(document: object) -> CatalogueDocument:
    """Read a catalogue document, or refuse it with the path of the first mistake."""
    try:
        return CatalogueDocument.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        pointer = "/" + "/".join(str(step) for step in first["loc"])
        raise Refused(Problem(422, "catalogue", first["msg"], pointer)) from None


def check_size(document: object) -> None:
    """Refuse a catalogue that every shard could not be told of in one message."""
    if len(canonical(document)) > LARGEST_DOCUMENT_BYTES:
        raise refuse(413, "catalogue_too_large", f"A catalogue has at most {LARGEST_DOCUMENT_BYTES} bytes.")


def check_unchanged(document: CatalogueDocument, adopted: Iterable[tuple[str, TypeSpec]]) -> None:
    """Refuse another meaning of a type that was ever adopted; its title may change, it may be left out."""
    for name, spec in adopted:
        proposed = document.types.get(name)
        if proposed is not None and _meaning(proposed) != _meaning(spec):
            base, _, version = name.rpartition(".v")
            detail = f"{name} was adopted with other fields, key or case; write {base}.v{int(version) + 1}."
            raise refuse(422, "type_changed", detail, pointer=f"/types/{name}")


def compile_catalogue(document: CatalogueDocument, version: int = 1) -> Catalogue:
    """Make the validators of every type."""
    types = {name: EventType(name, spec, _shape(name, spec)) for name, spec in document.types.items()}
    return Catalogue(version, types, document.sources)


def json_schema(event_type: EventType) -> dict[str, Any]:
    """Return the closed JSON Schema of a type's data."""
    schema = msgspec.json.schema(event_type.shape)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event_type.spec.title,
    } | schema


def check_data(event_type: EventType, data: object) -> None:
    """Refuse data that is not of the type's shape: unknown_field, missing_field or field."""
    try:
        msgspec.convert(data, event_type.shape)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None


def _meaning(spec: TypeSpec) -> TypeSpec:
    return spec.model_copy(update={"title": ""})


def _refusal(message: str) -> Refused:
    """Name the rule that was broken without repeating what was sent."""
    reason, _, path = message.partition(" - at `$")
    pointer = "/data" + path.rstrip("`").replace(".", "/").replace("[...]", "")
    if "unknown field" in reason:
        return refuse(422, "unknown_field", "The type does not declare this field.", pointer=pointer)
    if "missing required field" in reason:
        name = reason.split("`")[1]
        return refuse(422, "missing_field", f"The field {name} is missing.", pointer=f"{pointer}/{name}")
    return refuse(422, "field", "The value is not of the declared kind.", pointer=pointer)


def _shape(name: str, spec: TypeSpec) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for field, declared in spec.fields.items():
        kind = _kind(declared)
        fields.append((field, kind) if declared.required else (field, kind | None | UnsetType, UNSET))
    return msgspec.defstruct(
        "Data_" + name.replace(".", "_").replace("-", "_"), fields, forbid_unknown_fields=True, kw_only=True
    )


def _kind(declared: FieldSpec) -> Any:
    match declared.type:
        case "text":
            return Annotated[str, Meta(max_length=declared.max)]
        case "code":
            return Annotated[str, Meta(pattern=CODE_PATTERN)]
        case "integer":
            least = -LARGEST_INTEGER if declared.minimum is None else declared.minimum
            return Annotated[int, Meta(ge=least, le=LARGEST_INTEGER)]
        case "decimal":
            return Annotated[str, Meta(pattern=_decimal_pattern(declared), max_length=20)]
        case "time":
            return Annotated[str, Meta(pattern=INSTANT_PATTERN)]
        case "boolean":
            return bool


def _decimal_pattern(declared: FieldSpec) -> str:
    sign = "" if declared.minimum is not None and declared.minimum >= 0 else "-?"
    places = f"(\\.[0-9]{{1,{declared.scale}}})?" if declared.scale else ""
    return f"^(?=[-.]*([0-9][-.]*){{1,18}}$){sign}(0|[1-9][0-9]*){places}$"
