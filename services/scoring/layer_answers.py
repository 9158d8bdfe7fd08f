"""What the door answers about a scheme and those above it: burdens in words, and what is carried on."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.scoring.domain.difference_words import Lang
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.layering import Burden, Kind, burdens, carried, reached
from shared.kernel.points import shown_ratio, text

WORDS: Mapping[Kind, tuple[str, str]] = {
    "stricter": (
        "层层加码：指标 {indicator} 为 {here}，严于上级的 {above}",
        "layered on: {indicator} asks {here}, stricter than {above} above",
    ),
    "too_many": (
        "层层加码：指标 {here} 个，超过上级限额 {above} 个",
        "layered on: {here} indicators, more than the {above} that are allowed",
    ),
    "not_comparable": (
        "指标 {indicator} 按 {here} 计分，上级按 {above}，不可比较",
        "{indicator} is scored by {here} and by {above} above: not compared",
    ),
    "unknown_parent_indicator": (
        "指标 {indicator} 分解的 {here} 不在上级方案中",
        "{indicator} carries on {here}, which the parent has not",
    ),
    "unknown_parent_unit": ("上级方案中没有单位 {here}", "the parent has no unit {here}"),
}


class LayersQuery(BaseModel):
    """In which language it is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lang: Lang = Field("zh", description="the language of the texts")


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class ShownBurden(Answer):
    """What a scheme asks beyond the one above, in words and as what it is; `path` is in the scheme below."""

    kind: Kind
    path: str
    indicator: str
    above: str
    here: str
    text: str


class Layer(Answer):
    """A scheme below another: its points carried on, its burdens.

    `points` of `total` are those of its unit in the scheme above; `first` are points of the topmost scheme
    that reach this level through all between.
    """

    scheme: str
    version: int
    parent: str
    unit: str
    indicators: int
    budget: int | None
    points: str
    total: str
    share: str
    first: str
    missing: list[str]
    burdens: list[ShownBurden]


class Layers(Answer):
    """The levels from the topmost scheme down to the one that was asked for."""

    scheme: str
    version: int
    lang: Literal["zh", "en"]
    top: str
    layers: list[Layer]


def layers(chain: Sequence[SchemeDocument], lang: Lang) -> Layers:
    """Return the levels of a chain of schemes, the topmost first."""
    last, first = chain[-1].scheme, chain[0].scheme
    pairs = zip(chain, chain[1:], reached(chain), strict=False)
    return Layers(
        scheme=last.code,
        version=last.version,
        lang=lang,
        top=f"{first.code}@{first.version}",
        layers=[_layer(child, parent, text(points), lang) for parent, child, points in pairs],
    )


def _layer(child: SchemeDocument, parent: SchemeDocument, first: str, lang: Lang) -> Layer:
    found = carried(child, parent)
    return Layer(
        scheme=child.scheme.code,
        version=child.scheme.version,
        parent=f"{parent.scheme.code}@{parent.scheme.version}",
        unit="" if child.parent is None else child.parent.unit,
        indicators=len(child.indicators),
        budget=None if parent.children is None else parent.children.indicators,
        points=text(found.points),
        total=text(found.total),
        share=text(shown_ratio(found.share())),
        first=first,
        missing=list(found.missing),
        burdens=[_burden(one, lang) for one in burdens(child, parent)],
    )


def _burden(one: Burden, lang: Lang) -> ShownBurden:
    words = WORDS[one.kind][lang == "en"]
    return ShownBurden(
        kind=one.kind,
        path=one.path,
        indicator=one.indicator,
        above=one.above,
        here=one.here,
        text=words.format(indicator=one.indicator, above=one.above, here=one.here),
    )
