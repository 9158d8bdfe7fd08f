"""Facts of a small administration for the tests of incidents."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.incidents.deciding import decide
from services.scoring.domain.incidents.facts import ROSE, Question, Ruling
from services.scoring.domain.incidents.rules import rules_of
from services.scoring.domain.rows import Instant
from shared.kernel import instants

ZONE = ZoneInfo("Asia/Shanghai")


def loss(indicator, points):
    return {"indicator": indicator, "points": points}


def finding_type(kind, indicator):
    return {
        "type": kind,
        "object": "taxpayer",
        "content": "content",
        "years": {"from": "first_year", "until": "last_year"},
        "discovered": "discovered",
        "status": "status",
        "severity": "severity",
        "finder": "finder",
        "deducts": {"indicator": indicator, "points": "points"},
    }


ROLES = {
    "department": loss("department_linked", "1"),
    "bureau": loss("bureau_linked", "2"),
    "inspectorate": loss("inspectorate_linked", "2"),
}
SAME_OBJECT = {"fact": "finding.object", "meets": "inspection.object"}
SAME_CONTENT = {"fact": "finding.content", "meets": "inspection.content"}
SAME_YEARS = {"fact": "finding.years", "meets": "inspection.years"}
OTHER_FINDER = {"fact": "finding.finder", "differs": "inspection.inspector"}
MISSED = [
    {"fact": "inspection.found", "is": ["0"]},
    {"fact": "inspection.by", "is": ["inspectorate"]},
    {"fact": "inspection.ended", "before": "finding.discovered", "same_day": "person"},
]
INCIDENTS = {
    "findings": [
        finding_type("finding.audit.v1", "audit"),
        finding_type("finding.petition.v1", "petition"),
        finding_type("finding.patrol.v1", "patrol"),
    ],
    "inspections": [
        {
            "type": "inspection.ended.v1",
            "object": "taxpayer",
            "content": "content",
            "years": {"from": "first_year", "until": "last_year"},
            "started": "started",
            "ended": "ended",
            "found": "found",
        }
    ],
    "contents": {"vat": "d1", "export": "d2"},
    "triggers": [
        {
            "code": "a",
            "title": "Same object and content",
            "gate": 2,
            "when": [SAME_OBJECT, SAME_CONTENT, *MISSED],
            "roles": {**ROLES, "bureau": loss("bureau_linked", "1.5")},
        },
        {
            "code": "b",
            "title": "Same taxpayer",
            "gate": 1,
            "when": [SAME_OBJECT, SAME_YEARS, OTHER_FINDER, *MISSED],
            "roles": ROLES,
        },
    ],
    "jurisdictions": [
        {"inspectorate": "i1", "units": ["b1", "b2"], "from": "2020-01-01", "until": "2021-05-31"},
        {"inspectorate": "i2", "units": ["b1", "b2"], "from": "2021-06-01"},
    ],
}
LEVELS = {"bureau": ("b1", "b2"), "department": ("d1", "d2"), "inspectorate": ("i1", "i2")}
INDICATORS = {
    "audit": "bureau",
    "petition": "bureau",
    "patrol": "bureau",
    "bureau_linked": "bureau",
    "department_linked": "department",
    "inspectorate_linked": "inspectorate",
}


def document(incidents=None, *, version=1, effective="2021-01", until="2021-12", absent=None):
    """Return a scheme; `absent` says of indicators to whom they do not apply."""
    return SchemeDocument.model_validate(
        {
            "scheme": {
                "code": "mini",
                "version": version,
                "effective": effective,
                "until": until,
                "zone": "Asia/Shanghai",
                "total": "40",
                "title": "Mini",
            },
            "units": [
                {"code": code, "name": code, "level": level}
                for level, codes in LEVELS.items()
                for code in codes
            ],
            "trees": {"organisation": "unit"},
            "groups": {f"{level}s": {"level": level, "title": level} for level in LEVELS},
            "boards": [{"code": "work", "title": "Work", "points": "40"}],
            "measures": {"none": {"over": "finding.audit.v1", "period_by": "time", "numerator": "count(*)"}},
            "indicators": [
                {
                    "code": code,
                    "name": code,
                    "board": "work",
                    "points": "10" if level == "bureau" else "40",
                    "groups": [f"{level}s"],
                    "measure": "none",
                    "method": {"deduct": {"each": "1"}},
                    "not_applicable": (absent or {}).get(code, []),
                }
                for code, level in INDICATORS.items()
            ],
            "incidents": incidents or INCIDENTS,
        }
    )


RULES = (rules_of(document()),)


def at(text):
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=ZONE) if moment.tzinfo is None else moment
    return instants.micros(moment.astimezone(UTC))


def finding(name, indicator="audit", *, time="2021-03-10", points="2", unit="b1", source="s", **data):
    told = {
        "taxpayer": "t1",
        "content": "vat",
        "first_year": 2019,
        "last_year": 2019,
        "discovered": time,
        "status": "confirmed",
        "severity": 3,
        "finder": "audit",
    } | data
    told["discovered"] = Instant(at(told["discovered"]))
    return Report(
        source, name, f"finding.{indicator}.v1", unit, at(time), 1, 1, {**told, "points": Decimal(points)}
    )


def inspection(name, *, started="2021-04-01", ended="2021-06-30", by="i1", **data):
    told = {"taxpayer": "t1", "content": None, "first_year": 2018, "last_year": 2020, "found": 0} | data
    told |= {"started": Instant(at(started)), "ended": Instant(at(ended))}
    return Report("s", name, "inspection.ended.v1", by, at(ended), 1, 1, told)


def rose(name, *, unit="b1", ends="2021-02-28T23:59:59", code="c", scheme="mini"):
    """A region whose risk rose in a month, as it stands among the reports."""
    told = {"scheme": scheme, "code": code, "figures": "", "person": "li"}
    return Report("dukao/scoring", name, ROSE, unit, at(ends), 105, 1, told)


def applied(*reports):
    """What a second person rules on regions that rose."""
    names = [(one.source, one.id) for one in reports if one.type == ROSE]
    return {Question(name, "c", name): Ruling.APPLIES for name in names}


def retracted(report, revision=1):
    return revised(report, revision, None)


def revised(report, revision, data):
    name = f"{report.id}r{revision}"
    return replace(report, id=name, data=data, corrects=(report.source, report.id), revision=revision)


def decided(*reports, joins=(), rulings=None, rules=RULES):
    return decide(rules, standing(reports).facts, joins, rulings or {})


def lost(decision):
    """What units lose: by unit, the role, the indicator, the month and the points."""
    return {
        one.unit: (one.role.value, one.indicator, one.month - 2021 * 12 + 1, Decimal(one.points) / 1_000_000)
        for one in decision.deductions
        if one.counts
    }


THREE = (
    finding("f2", "audit", points="2"),
    finding("f15", "petition", points="1.5", time="2021-04-02"),
    finding("f3", "patrol", points="3", time="2021-05-04"),
)


def of_unit(decision, unit="b1"):
    return [lost(decision)[unit]] if unit in lost(decision) else []


LINKED = {"d1": Decimal(1), "b1": Decimal(2), "i1": Decimal(2)}


def points_of(decision):
    return {unit: points for unit, (_, _, _, points) in lost(decision).items()}


def asked(**more):
    """The problem of 2019, discovered on 10 March by an audit whose own deduction is small."""
    told = {"discovered": "2021-03-10", "severity": 1} | more
    return finding("f", points="0.1", time="2021-07-20", **told)


def gone(*units, **months):
    return [{"units": list(units), "reason": "None here", **months}]


RISE = {
    "code": "c",
    "title": "Regional risk",
    "group": "bureaus",
    "measure": "none",
    "baseline_months": 3,
    "minimum": 5,
    "alpha": "0.01",
    "grace_days": 5,
    "content": "vat",
    "roles": ROLES,
}
WITH_RISES = (rules_of(document({**INCIDENTS, "rises": [RISE]})),)


def once(reports):
    return list({(one.source, one.id): one for one in reports}.values())


NAMES = st.sampled_from(["f1", "f2", "f3", "f4"])
FINDINGS = st.builds(
    finding,
    NAMES,
    st.sampled_from(["audit", "petition", "patrol"]),
    time=st.sampled_from(["2021-03-10", "2021-04-02", "2021-05-04"]),
    points=st.sampled_from(["1", "2", "2.5"]),
    unit=st.sampled_from(["b1", "b2"]),
    source=st.sampled_from(["s", "t"]),
    status=st.sampled_from(["alleged", "confirmed", "confirmed", "dropped"]),
    taxpayer=st.sampled_from(["t1", "t1", "t2"]),
    severity=st.sampled_from([0, 1, 2]),
    first_year=st.sampled_from([2018, 2019]),
    last_year=st.sampled_from([2019, 2020]),
)
INSPECTIONS = st.builds(
    inspection,
    st.sampled_from(["i1", "i2"]),
    started=st.sampled_from(["2021-01-11", "2021-02-01"]),
    ended=st.sampled_from(["2021-02-28", "2021-03-10", "2021-04-02"]),
    taxpayer=st.sampled_from(["t1", "t2"]),
    content=st.sampled_from([None, "vat", "export"]),
    found=st.sampled_from([0, 0, 1]),
)
