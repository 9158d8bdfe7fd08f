"""The feed mapping as a document: how rows of an existing system become events."""

from string import Formatter
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr
from pydantic import model_validator as _validator

from services.ingest.domain.catalogue import FIELD_PATTERN, TYPE_PATTERN
from shared.kernel.codes import CODE_PATTERN

Scalar: TypeAlias = str | int | bool
Kind: TypeAlias = Literal["text", "code", "time", "decimal", "integer", "boolean"]
Making: TypeAlias = Literal["exact", "derive", "slug"]
Constant: TypeAlias = StrictBool | StrictInt | StrictStr
Column: TypeAlias = Annotated[str, Field(min_length=1, max_length=128)]
TimeFormat: TypeAlias = Annotated[str, Field(pattern=r"^([^%]|%[YymdHMSfzj%])+$", max_length=64)]

MOST_FORMATS = 8
MOST_RULES = 64
MOST_FIELDS = 256


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cell(_Closed):
    """Where a value comes from: a field of the row, a template of fields, or a constant.

    `values` translates the source's words and refuses those it does not name; `default` stands for nothing.
    """

    field: Column | None = None
    template: str | None = None
    constant: Constant | None = None
    values: dict[str, Constant] = Field(default_factory=dict)
    default: Constant | None = None

    @_validator(mode="after")
    def _has_one_origin(self) -> "Cell":
        if sum(origin is not None for origin in (self.field, self.template, self.constant)) != 1:
            raise ValueError("one of field, template, constant")
        if self.template is not None:
            template_parts(self.template)
        return self


class TextCell(Cell):
    """A text; `code` makes a code of it.

    `derive` replaces each character outside the charset by `-`; `slug` first writes each field in lower case,
    all but a-z and 0-9 as `-` and none at its ends. Over 64 characters a code is cut and gets a digest.
    """

    code: Making = "exact"


class TimeCell(Cell):
    """An instant; the formats are tried in order: `iso` is ISO 8601, others are like `%Y-%m-%d %H:%M:%S`."""

    formats: Annotated[tuple[TimeFormat, ...], Field(min_length=1, max_length=MOST_FORMATS)] = ("iso",)


class DataCell(TextCell, TimeCell):
    """A field of the event's data; without `kind` the adopted type says it. A decimal stays text."""

    kind: Kind | None = None


class Condition(_Closed):
    """What a field of the row must be: one of these texts, or present, or absent."""

    field: Column
    equals: tuple[str, ...] | str | None = None
    present: bool | None = None

    @_validator(mode="after")
    def _asks_one_thing(self) -> "Condition":
        if (self.equals is None) == (self.present is None):
            raise ValueError("one of equals, present")
        return self


class Corrects(_Closed):
    """Which event a row revises, the source being the mapping's own if not named; without an id, none."""

    source: TextCell | None = None
    id: TextCell
    revision: Cell


class EventRule(_Closed):
    """One event that a row gives when all its conditions hold."""

    when: tuple[Condition, ...] = ()
    type: Annotated[str, Field(pattern=TYPE_PATTERN)]
    id: TextCell
    unit: TextCell
    time: TimeCell
    recorded: TimeCell | None = None
    case: TextCell | None = None
    corrects: Corrects | None = None
    retraction: tuple[Condition, ...] = ()
    data: dict[Annotated[str, Field(pattern=FIELD_PATTERN)], DataCell] = Field(
        default_factory=dict, max_length=MOST_FIELDS
    )

    @_validator(mode="after")
    def _retracts_something(self) -> "EventRule":
        if self.retraction and self.corrects is None:
            raise ValueError("retraction needs corrects")
        return self


class MappingDocument(_Closed):
    """How rows become events; a row gives an event for each rule that holds.

    A row for which no rule holds is refused unless a condition of `skip` holds. A time without a zone is a
    local time of `zone`: one that the clocks jumped over is refused, of one lived twice `fold` says which.
    """

    version: Annotated[int, Field(ge=1)]
    source: Annotated[str, Field(pattern=CODE_PATTERN)]
    title: str = ""
    format: Literal["csv", "ndjson"]
    encoding: Literal["utf-8", "utf-8-sig", "gb18030", "cp1252", "iso-8859-1"] = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    zone: str | None = None
    fold: Literal["first", "second", "refuse"] = "first"
    empty: tuple[str, ...] = ("",)
    skip: tuple[Condition, ...] = ()
    events: Annotated[tuple[EventRule, ...], Field(min_length=1, max_length=MOST_RULES)]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | MappingDocument.model_json_schema()


def template_parts(template: str) -> list[tuple[str, str | None]]:
    """Return the literals of a template, each with the field that follows it."""
    parts = list(Formatter().parse(template))
    if any(name == "" or spec or conversion for _, name, spec, conversion in parts):
        raise ValueError("a template holds plain {field} names")
    return [(literal, name) for literal, name, _, _ in parts]
