"""The catalogue: event types as closed shapes, and the sources that may send them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from pydantic import AfterValidator, Field, ValidationError, model_validator

from services.ingest.domain.binding import topic_of
from services.ingest.domain.sources import (
    Closed,
    FeedSpec,
    Scope,
    SeenText,
    Sender,
    SourceSpec,
    scope_of,
    seen,
)
from shared.kernel.canonical import canonical
from shared.kernel.codes import CODE_PATTERN
from shared.kernel.errors import Problem, Refused, refuse
from shared.kernel.strict_json import LARGEST_INTEGER, LIMITS

TYPE_PATTERN = r"^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*\.v[1-9][0-9]*$"
FIELD_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
TEXT_CHARACTERS = 2000
LARGEST_DOCUMENT_BYTES = 256 << 10
INSTANT_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)


Title = Annotated[
    str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"), AfterValidator(seen)
]


class FieldSpec(Closed):
    """One field of an event's data; `scale` is the most decimal places, `max` the most characters.

    `title` is what people call it.
    """

    title: Title | None = None
    type: Literal["text", "code", "integer", "decimal", "time", "boolean"]
    required: bool = False
    scale: int = Field(0, ge=0, le=6)
    max: int = Field(TEXT_CHARACTERS, ge=1, le=TEXT_CHARACTERS)
    minimum: int | None = None


class TypeSpec(Closed):
    """An event type: its fields, whether it belongs to a case, and what makes it unique across sources."""

    title: SeenText
    case: Literal["required", "optional", "none"] = "none"
    business_key: tuple[str, ...] = ()
    fields: dict[Annotated[str, Field(pattern=FIELD_PATTERN)], FieldSpec]

    @model_validator(mode="after")
    def _key_is_of_required_fields(self) -> "TypeSpec":
        for name in self.business_key:
            if name not in self.fields or not self.fields[name].required:
                raise ValueError(f"business_key: {name} is not a required field")
        return self


class CatalogueDocument(Closed):
    """What two people adopt."""

    types: dict[Annotated[str, Field(pattern=TYPE_PATTERN)], TypeSpec]
    sources: dict[Annotated[str, Field(pattern=CODE_PATTERN)], SourceSpec]

    @model_validator(mode="after")
    def _sources_name_types(self) -> "CatalogueDocument":
        for code, source in self.sources.items():
            of_source = self.types.keys() if source.types == "all" else set(source.types)
            _check_known(f"source {code}", of_source, self.types.keys())
            for name, feed in source.feeds.items():
                _check_known(f"feed {code}/{name}", () if feed.types == "all" else feed.types, of_source)
            for name, fields in source.manifest.totals.items() if source.manifest else ():
                _check_known(f"manifest of {code}", [name], of_source)
                _check_known(f"manifest of {code}, {name}", fields, _summed(self.types[name]))
        return self


@dataclass(frozen=True, slots=True)
class EventType:
    """A compiled type; `shape` refuses data that is not declared, `reader` reads its bytes for the short way.

    What `reader` reads is written in canonical form, as its fields are in order. A type with more fields than
    one object may have keys has none.
    """

    name: str
    spec: TypeSpec
    shape: type[msgspec.Struct]
    reader: msgspec.json.Decoder[Any] | None
    times: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The types and sources in force since a version; `feeds` are found by source and type."""

    version: int
    types: Mapping[str, EventType]
    sources: Mapping[str, SourceSpec]
    scopes: Mapping[str, Scope]
    feeds: Mapping[tuple[str, str], tuple[str, ...]]

    def spoken_for(self, sender: Sender) -> frozenset[str]:
        """Return the sources that an account speaks for."""
        return frozenset(source for source, scope in self.scopes.items() if scope.stranger(sender) is None)


NOTHING_ADOPTED = Catalogue(0, {}, {}, {}, {})


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


def check_topics(document: CatalogueDocument, adopted: Collection[str]) -> None:
    """Refuse sources whose inbound topics Kafka does not tell apart: `.` and `_` are one to it.

    The topic of a source that was ever adopted stays when the source is left out.
    """
    of_before = {_one_to_kafka(source): source for source in sorted(adopted)}
    by_topic: dict[str, str] = {}
    for source in document.sources:
        topic = _one_to_kafka(source)
        if source not in adopted:
            by_topic.setdefault(topic, of_before.get(topic, source))
        first = by_topic.setdefault(topic, source)
        if first != source:
            detail = f"The topics of {first} and {source} differ only in . and _, which Kafka does not take."
            raise refuse(422, "catalogue", detail, pointer=f"/sources/{source}")


def _one_to_kafka(source: str) -> str:
    return topic_of(source).replace(".", "_")


def check_unchanged(document: CatalogueDocument, adopted: Iterable[tuple[str, TypeSpec]]) -> None:
    """Refuse another meaning of a type that was ever adopted; titles may change, it may be left out."""
    for name, spec in adopted:
        proposed = document.types.get(name)
        if proposed is not None and _meaning(proposed) != _meaning(spec):
            base, _, version = name.rpartition(".v")
            detail = f"{name} was adopted with other fields, key or case; write {base}.v{int(version) + 1}."
            raise refuse(422, "type_changed", detail, pointer=f"/types/{name}")


def compile_catalogue(document: CatalogueDocument, version: int = 1) -> Catalogue:
    """Make the validators of every type."""
    types = {name: _compiled(name, spec) for name, spec in document.types.items()}
    scopes = {code: scope_of(spec) for code, spec in document.sources.items()}
    return Catalogue(version, types, document.sources, scopes, _feeds(document))


def types_of(feed: FeedSpec, source: SourceSpec, types: Iterable[str]) -> tuple[str, ...]:
    """Return the types that a feed of a source brings, of all that there are."""
    for named in (feed.types, source.types):
        if named != "all":
            return tuple(sorted(named))
    return tuple(sorted(types))


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


def _check_known(what: str, named: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise ValueError(f"{what}: unknown {unknown[0]}")


def _summed(spec: TypeSpec) -> list[str]:
    return [name for name, field in spec.fields.items() if field.type in {"integer", "decimal"}]


def _feeds(document: CatalogueDocument) -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for code, source in document.sources.items():
        for name, feed in sorted(source.feeds.items()):
            for kind in types_of(feed, source, document.types):
                found[code, kind] = (*found.get((code, kind), ()), name)
    return found


def _meaning(spec: TypeSpec) -> TypeSpec:
    fields = {name: field.model_copy(update={"title": None}) for name, field in spec.fields.items()}
    return spec.model_copy(update={"title": "", "fields": fields})


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


def _compiled(name: str, spec: TypeSpec) -> EventType:
    in_order = spec.model_copy(update={"fields": dict(sorted(spec.fields.items()))})
    short = len(spec.fields) <= LIMITS.keys
    return EventType(
        name,
        spec,
        _shape(name, spec),
        msgspec.json.Decoder(_shape(name, in_order)) if short else None,
        tuple(field for field, declared in spec.fields.items() if declared.type == "time"),
        tuple(field for field, declared in spec.fields.items() if declared.type == "text"),
    )


def _shape(name: str, spec: TypeSpec) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for field, declared in spec.fields.items():
        kind = _kind(declared) if declared.required else _kind(declared) | None | UnsetType
        titled = kind if declared.title is None else Annotated[kind, Meta(title=declared.title)]
        fields.append((field, titled) if declared.required else (field, titled, UNSET))
    return msgspec.defstruct(
        "Data_" + name.replace(".", "_").replace("-", "_"),
        fields,
        forbid_unknown_fields=True,
        kw_only=True,
        gc=False,
    )


def _kind(declared: FieldSpec) -> Any:
    match declared.type:
        case "text":
            return Annotated[str, Meta(max_length=declared.max)]
        case "code":
            return Annotated[str, Meta(pattern=_whole(CODE_PATTERN))]
        case "integer":
            least = -LARGEST_INTEGER if declared.minimum is None else declared.minimum
            return Annotated[int, Meta(ge=least, le=LARGEST_INTEGER)]
        case "decimal":
            return Annotated[str, Meta(pattern=_whole(_decimal_pattern(declared)), max_length=20)]
        case "time":
            return Annotated[str, Meta(pattern=_whole(INSTANT_PATTERN))]
        case "boolean":
            return bool


def _decimal_pattern(declared: FieldSpec) -> str:
    sign = "" if declared.minimum is not None and declared.minimum >= 0 else "-?"
    places = f"(\\.[0-9]{{1,{declared.scale}}})?" if declared.scale else ""
    return f"^(?=[-.]*([0-9][-.]*){{1,18}}$){sign}(0|[1-9][0-9]*){places}$"


def _whole(pattern: str) -> str:
    """Return a pattern of which nothing follows: Python's `$` also stands before a last line end."""
    return pattern + r"(?!\n)"
