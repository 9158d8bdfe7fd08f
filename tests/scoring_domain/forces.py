"""The versions that rule, as both stages of scoring apply them."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

from services.scoring.domain.adders import adder
from services.scoring.domain.derived import PointsPlan, following, points_plan
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.ordinary import Ordinary
from services.scoring.domain.plan import Plan, compile_plan
from services.scoring.domain.successions import Succession, successions
from services.scoring.domain.versions import ruled
from services.scoring.reports import Catalogue, catalogue_of


@dataclass(frozen=True, eq=False)
class Scheme:
    """A version of a scheme and the catalogue that it was checked against."""

    document: SchemeDocument
    types: dict
    catalogue: Catalogue

    @staticmethod
    def of(document, types):
        return Scheme(document, types, catalogue_of(types))


@dataclass(frozen=True, eq=False)
class Ruling:
    """A version in the months that it rules, as stage A applies it."""

    scheme: Scheme
    plan: Plan
    adders: tuple
    points: PointsPlan


@dataclass(frozen=True, eq=False)
class Force:
    """The versions that rule, as both stages apply them: plans, the short way, groups over all versions."""

    rulings: tuple[Ruling, ...]
    ordinary: Ordinary
    lines: tuple[Succession, ...]

    @property
    def plans(self):
        return [one.plan for one in self.rulings]

    @cached_property
    def points(self):
        return following(one.points for one in self.rulings)


@lru_cache(maxsize=512)
def ruling_of(scheme, months):
    document = scheme.document
    plan = compile_plan(document, scheme.catalogue.types, months)
    adders = tuple(adder(document, plan, over) for over in plan.columns)
    return Ruling(scheme, plan, adders, points_plan(document, plan, scheme.types))


@lru_cache(maxsize=512)
def in_force(schemes):
    """Return what applies of versions, each in the months that it rules."""
    months = ruled(one.document.scheme for one in schemes)
    rulings = tuple(
        ruling_of(one, months[one.document.scheme.version])
        for one in schemes
        if one.document.scheme.version in months
    )
    adders = [adder for one in rulings for adder in one.adders]
    lines = successions([one.scheme.document for one in rulings], lambda *_: True)
    return Force(rulings, Ordinary(adders, schemes[0].catalogue.types), tuple(lines))
