"""Builders: items that change, tiers, schemes and rules, as the streams bring them."""

from shared.contracts import envelope
from shared.contracts.ranking import (
    CLOSES,
    PERIOD_CLOSED,
    STANDINGS,
    TIER_CHANGED,
    PeriodClosed,
    TierChanged,
)
from shared.contracts.ranking import SOURCE as RANKING
from shared.contracts.scoring import (
    SCHEME_ADOPTED,
    SCHEMES,
    SURVEY_TURNED,
    SURVEYS,
    SchemeAdopted,
    SurveyTurned,
)
from shared.contracts.scoring import SOURCE as SCORING
from shared.contracts.supervision import ITEM_CHANGED, ITEMS, ItemChanged
from shared.contracts.supervision import SOURCE as SUPERVISION
from shared.kernel import instants
from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.numbering import number
from shared.kernel.records import Draft, Head

AT = "2021-04-30T01:00:00Z"
DUE = "2021-04-29T16:00:00.000000Z"
LATE = ("2021-04-30", "2021-05-06", "2021-05-07", "2021-05-08", "2021-05-10")
CAUSE = {"stream": "ingest.accepted", "shard": 3, "first": 1, "last": 1}

OVERDUE = {
    "code": "overdue",
    "on": "item-late",
    "when": {"late_day": [1, 3]},
    "severity": "urgent",
    "to": ["unit"],
}
SIGN_DUE = "2021-04-22T16:00:00.000000Z"
SIGN_LATE = {"code": "sign-late", "on": "item-sign-late", "severity": "warning", "to": ["unit"]}
ASSIGNED = {
    "code": "assigned",
    "on": "item-state",
    "when": {"state": ["assigned"]},
    "severity": "info",
    "to": ["unit", "co-handlers"],
}
RULES = {"rules": [ASSIGNED, OVERDUE]}


def scheme(version=1, units=("b1", "b2", "b3")):
    return {
        "scheme": {"code": "mini", "version": version, "zone": "Asia/Shanghai", "title": "2021 年方案"},
        "groups": {"bureaus": {"level": "bureau", "title": "省级税务局"}},
        "tiers": [{"code": "first", "title": "第一段"}, {"code": "second"}],
        "units": [
            {"code": "nation", "name": "全国"},
            *({"code": u, "parent": "nation", "name": f"{u} 局"} for u in units),
        ],
    }


class Feed:
    """Numbers what it is given as the streams of one shard would."""

    def __init__(self, shard=3):
        self.shard = shard
        self._heads = {}
        self._versions = {}

    def record(self, stream, body, received=AT):
        when = instants.parse(received)
        head = self._heads.get(stream, Head(0, EMPTY_CHAIN, None))
        (made,) = number(stream, self.shard, head, [Draft(self.shard, body, received=when)], when)
        self._heads[stream] = Head(made.number, made.chain, when)
        return made

    def item(self, name="i1", *, at=AT, late=0, **changes):
        version = self._versions[name] = changes.pop("version", self._versions.get(name, 0) + 1)
        told = {
            "item": name,
            "version": version,
            "kind": "document",
            "title": "公文督办",
            "state": "assigned",
            "unit": "b1",
            "shares": {"b1": "0.7", "b2": "0.3"},
            "scheme": "mini",
            "indicator": "k1",
            "given": "2021-04-20T01:00:00.000000Z",
            "due": DUE,
            "zone": "Asia/Shanghai",
            "light": "red" if late else "green",
            "late_days": LATE[:late],
            "received": at,
            "cause": CAUSE,
        } | changes
        data = ItemChanged.model_validate(told)
        return self.record(ITEMS, envelope.encode(ITEM_CHANGED, SUPERVISION, name, data), at)

    def tier(self, unit="b1", old="first", new="second", **changes):
        told = {
            "scheme": "mini",
            "version": 1,
            "group": "bureaus",
            "period": "2021",
            "unit": unit,
            "old": old,
            "new": new,
        } | changes
        data = TierChanged.model_validate(told)
        return self.record(STANDINGS, envelope.encode(TIER_CHANGED, RANKING, "mini/bureaus", data))

    def closed(self, **changes):
        told = {
            "scheme": "mini",
            "version": 1,
            "group": "bureaus",
            "period": "2021-03",
            "begins": "2021-02-28T16:00:00.000000Z",
            "ends": "2021-03-31T16:00:00.000000Z",
            "cut": "2021-04-08T16:00:00.000000Z",
            "day": "2021-04-08",
            "digest": "a" * 64,
            "closed": AT,
            "requested_by": "zhao",
            "approved_by": "qian",
        } | changes
        data = PeriodClosed.model_validate(told)
        return self.record(CLOSES, envelope.encode(PERIOD_CLOSED, RANKING, "mini/bureaus", data))

    def adopted(self, document=None):
        document = document or scheme()
        data = SchemeAdopted(
            code="mini",
            version=document["scheme"]["version"],
            digest="0" * 64,
            document=document,
            effective="2021-01",
        )
        return self.record(SCHEMES, envelope.encode(SCHEME_ADOPTED, SCORING, "mini", data))

    def survey(self, turn="reminded"):
        data = SurveyTurned.model_validate(
            {
                "round": "mini~ratings~2021-03",
                "turn": turn,
                "day": "2021-03-20",
                "scheme": "mini",
                "survey": "ratings",
                "title": "多维测评",
                "opens": "2021-03-10",
                "closes": "2021-03-25",
            }
        )
        return self.record(SURVEYS, envelope.encode(SURVEY_TURNED, SCORING, "mini", data))
