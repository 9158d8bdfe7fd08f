"""Documents that are no scheme: each takes one thing out of a good one and puts a bad one in its place.

A case says by which code and at which JSON pointer it is refused; its line is the first one that differs from
the good document, or that of the text `at`. Of `RAW_YAML` and `RAW_JSON` nothing is read at all.
"""

import json
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import Path

from dukao import yamls

HERE = Path(__file__).parent
BASE = (HERE / "base.yaml").read_text("utf-8")
CATALOGUE = yamls.read(HERE / "types.yaml").value
HUGE = "9" * 400


@dataclass(frozen=True)
class Hostile:
    """A document with something bad in it, and where it is refused."""

    path: str
    code: str
    old: str
    new: str
    at: str | None = None

    @property
    def name(self) -> str:
        return f"{self.path or '/'} {self.code} {self.new.strip()[-40:]!a}"

    @property
    def text(self) -> str:
        assert BASE.count(self.old) == 1, self.old
        return BASE.replace(self.old, self.new)

    @property
    def document(self) -> str:
        """The same as JSON."""
        return json.dumps(yamls.parse(self.text, "hostile").value)

    @property
    def line(self) -> int:
        if self.at is not None:
            return self.text.count("\n", 0, self.text.index(self.at)) + 1
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(BASE, self.text, strict=False))
        return sum(one == "\n" for one, _ in alike) + 1


def last(path: str, code: str, old: str, *values: str, at: str | None = None) -> list[Hostile]:
    """Put each value in the place of the last word of a text that stands once in the good document."""
    kept = old[: old.rindex(" ") + 1]
    return [Hostile(path, code, old, kept + value, at) for value in values]


def swap(path: str, code: str, old: str, *values: str, at: str | None = None) -> list[Hostile]:
    """Put each value in the place of a text that stands once in the good document."""
    return [Hostile(path, code, old, value, at) for value in values]


def chain(length: int, *, first: str) -> str:
    """Units each below the one before, the first below the unit that is named."""
    units = [f"  - {{code: c{at}, parent: c{at - 1}, name: c, level: post}}" for at in range(1, length)]
    return "\n".join([f"  - {{code: c0, parent: {first}, name: c, level: post}}", *units, "trees:"])


def stack(height: int, lowest: str) -> str:
    """Columns each filtered by the one before, the first by the one that is named."""
    names = [lowest, *(f"x{at}" for at in range(height))]
    return "\n".join(
        f'      {name}: {{count: "*", of: levy.answered.v1, where: levy.{below} > 0}}'
        for below, name in pairwise(names)
    )


HEAD = [
    *last("/scheme/code", "shape", "  code: mini", '""', "null", "7", "[mini]", "小", '"a b"', "../../x", '"mini\\n"', "x" * 65, "-a"),
    *last("/scheme/version", "shape", "mini\n  version: 1", '"1"', "true", "0", "-1", "0x10", "1_000", "01", HUGE, "2147483648", "null", "1.0.0", "[1]"),
    *last("/scheme/effective", "shape", "  effective: 2021-01", "2021-13", "2021-00", "2021", "2021-01-01", "202101", "null", "２０２１-01", "9999-01"),
    *last("/scheme/until", "dates", "  until: 2021-12", "2020-12", "2022-01"),
    *last("/scheme/zone", "zone", "  zone: Asia/Shanghai", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Asia", "+08:00", "z" * 300),
    *last("/scheme/total", "shape", '  total: "100"', "100", '"1e2"', '"-100"', '"0100"', '"100.0000001"', '"NaN"', ".nan", ".inf", '"１００"', '"1,00"', f'"{HUGE}"', '" 100"', '"100\\n"', "null"),
    *last("/boards", "board_sum", '  total: "100"', '"101"', '"99.999999"', at="boards:"),
    *last("/scheme/total", "no_points", '  total: "100"', '"0"'),
    *last("/scheme/places", "shape", "  places: 2", "10", "-1", '"2"', "true"),
    *last("/scheme/simulated", "shape", "  simulated: true", "yes", '"true"', "1", "{}"),
    *last("/scheme/title", "shape", "  title: 小方案", "null", "7", '""', "[]"),
    *last("/scheme/title", "characters", "  title: 小方案", '"\\e[2J方案"', '"\\u202e001\\u202c"', "方\u2066案\u2069", '"方\\u200b案"', '"\\a"', '"\\x7f"', '"\\ud800"', '"方\\0案"'),
    *last("/scheme/title", "too_long", "  title: 小方案", "长" * 2001),
    *swap("/scheme/source/page", "shape", "source: {document: 本方案设定}", "source: {document: 本方案设定, page: 7}"),
    *swap("/scheme/source/document", "shape", "source: {document: 本方案设定}", "source: {}"),
    *swap("/scheme/zone", "shape", "  zone: Asia/Shanghai\n", "", at="scheme:"),
    *swap("/scheme/wieght", "shape", "  verified: false\n", "  wieght: 1\n"),
    *swap("/scheme", "shape", BASE[: BASE.index("units:")], "scheme: []\n"),
    *swap("/scheme", "shape", BASE[: BASE.index("units:")], "", at="units:"),
]  # fmt: skip

UNITS = [
    *swap("/units/1/code", "shape", "{code: b1,", "{code: 甲,", "{code: 'b 1',", "{code: null,", "{code: {b: 1},"),
    *swap("/units/2", "duplicate", "{code: b2,", "{code: b1,"),
    *swap("/units/2/parent", "unknown_unit", "{code: b2, parent: hq", "{code: b2, parent: nobody", "{code: b2, parent: ''", "{code: b2, parent: HQ"),
    *swap("/units/0/parent", "unit_cycle", "{code: hq,", "{code: hq, parent: hq,", "{code: hq, parent: b1,"),
    *swap("/units/6/parent", "unit_cycle", "trees:", chain(1, first="c0"), chain(3000, first="c2999")),
    *swap("/units/38/parent", "too_deep", "trees:", chain(3000, first="hq"), at="{code: c32,"),
    *swap("/units/1/name", "characters", "name: 甲省局, ", 'name: "甲\\u202e省局", ', 'name: "甲\\u00ad省局", '),
    *swap("/units/1/name", "shape", "name: 甲省局, ", 'name: "", ', "name: 7, "),
    *swap("/units/1/colour", "shape", "name: 甲省局, ", "name: 甲省局, colour: red, "),
    *swap("/units/1", "shape", "{code: b1, parent: hq, name: 甲省局, level: bureau}", "b1", "[b1, hq]", "null"),
    *swap("/units", "shape", BASE[BASE.index("units:") : BASE.index("trees:")], "units: []\n", "units: {}\n", "units: hq\n"),
    *swap("/groups/bureaus/level", "empty_group", "bureaus: {level: bureau", "bureaus: {level: bureaux"),
    *swap("/groups/Bureaus", "shape", "  bureaus: {level", "  Bureaus: {level"),
    *swap("/trees", "shape", "trees: {organisation: unit}", "trees: []", "trees: unit"),
    *swap("/trees/organisation", "shape", "trees: {organisation: unit}", "trees: {organisation: 单位}"),
    *swap("/views/levy/columns", "no_unit", "trees: {organisation: unit}", "trees: {}", "trees: {organisation: done}", "trees: {organisation: voucher}", at="    columns:"),
]  # fmt: skip

BOARDS = [
    *swap("/boards/0/points", "board_floor", 'points: "26", floor_above: "0.25"', 'points: "26", floor_above: "0.26"', 'points: "26", floor_above: "1"'),
    *swap("/boards/0/floor_above", "shape", 'floor_above: "0.25"', "floor_above: 25", 'floor_above: "25%"', 'floor_above: "-1"'),
    *swap("/boards", "board_sum", 'points: "74"', 'points: "73"', 'points: "74.000001"', at="boards:"),
    *swap("/boards/1", "duplicate", "{code: work,", "{code: party,"),
    *swap("/boards/1/points", "no_points", 'points: "74"', 'points: "0"'),
    *swap("/boards/1/points", "shape", 'points: "74"', "points: 74", 'points: "7_4"', 'points: "+74"'),
    *swap("/indicators", "indicator_sum", 'code: party, title: 党的全面领导, points: "26"', 'code: party, title: 党的全面领导, points: "27"', at="indicators:"),
]  # fmt: skip


def overlay(words: str = "", **said: str) -> str:
    """Return boards with a special assessment, some words of it said otherwise, and before the views `words`."""
    spec = {
        "code": "safety",
        "name": "安全",
        "from": "2021-04",
        "until": "2021-09",
        "counts": "beside",
        "points": '"5"',
    }
    told = ", ".join(f"{key}: {value}" for key, value in (spec | said).items())
    return f"overlays:\n  - {{{told}}}\n{words}views:\n"


IN_OVERLAY = """
  - {code: drill, name: 演练, overlay: safety, points: "5", groups: [bureaus, regions], measure: ontime, method: {target: {target: "1"}}}
"""


def extra(path: str, reason: str, *, indicator: str = IN_OVERLAY, at: str, **said: str) -> Hostile:
    """Put a special assessment and its indicator into the good document."""
    old = BASE[BASE.index("views:") : BASE.index("tiers:")]
    return Hostile(path, reason, old, old.replace("views:\n", overlay(**said)).rstrip("\n") + indicator, at)


OVERLAYS = [
    *(extra("/overlays/0/from", "shape", at="name: 安全", **{"from": value}) for value in ("2021-13", "2021-04-01", "四月", "null")),
    *(extra("/overlays/0/until", "shape", at="name: 安全", until=value) for value in ("2021-00", "2021-Q3", "[]")),
    extra("/overlays/0/from", "dates", at="name: 安全", **{"from": "2020-12"}),
    extra("/overlays/0/from", "dates", at="name: 安全", **{"from": "2022-01", "until": "2022-02"}),
    *(extra("/overlays/0/until", "dates", at="name: 安全", until=value) for value in ("2021-03", "2022-01")),
    *(extra("/overlays/0/counts", "shape", at="name: 安全", counts=value) for value in ("both", "true", "计入")),
    *(extra("/overlays/0/points", "shape", at="name: 安全", points=value) for value in ("5", '"-5"', '"5 分"')),
    extra("/overlays/0/points", "overlay_sum", at="name: 安全", points='"6"'),
    extra("/overlays/0/points", "no_points", at="name: 安全", points='"0"'),
    extra("/overlays/0/code", "duplicate", at="name: 安全", code="party"),
    extra("/overlays/0/colour", "shape", at="name: 安全", colour="red"),
    extra("/boards/0/points", "board_floor", at="  - {code: party", counts="added"),
    extra("/overlays/0", "empty_overlay", at="name: 安全", indicator="\n"),
    extra("/indicators/8/overlay", "unknown_overlay", at="name: 演练", indicator=IN_OVERLAY.replace("overlay: safety", "overlay: health")),
    extra("/indicators/8/overlay", "board_and_overlay", at="name: 演练", indicator=IN_OVERLAY.replace("overlay: safety", "overlay: safety, board: work")),
    extra("/overlays/0/counts", "overlay_uneven", at="name: 安全", counts="added", indicator=IN_OVERLAY.replace("bureaus, regions]", "bureaus], units: [b1]")),
    extra("/indicators/8/units/0", "unknown_unit", at="name: 演练", indicator=IN_OVERLAY.replace("bureaus, regions]", "bureaus], units: [b9]")),
]  # fmt: skip

MEASURES = [
    *swap("/views/levy/events/1", "unknown_type", "levy.done.v1, levy.answered.v1]", "levy.done.v1, levy.answered.v2]"),
    *swap("/views/levy/events", "shape", "[levy.done.v1, levy.answered.v1]", "[]", "levy.done.v1"),
    *swap("/views/levy/columns/done", "expression", "{first: time, of: levy.done.v1}", "{first: when, of: levy.done.v1}", "{first: time, of: loose.v1}", "{sum: time, of: levy.done.v1}"),
    *swap("/views/levy/columns/done", "shape", "{first: time, of: levy.done.v1}", "{first: time, last: time, of: levy.done.v1}", "{of: levy.done.v1}"),
    *swap("/views/levy/columns/done/median", "shape", "{first: time, of: levy.done.v1}", "{median: time, of: levy.done.v1}"),
    *swap("/views/levy/columns/answers/where", "expression", '"*", of: levy.answered.v1}', *(f'"*", of: levy.answered.v1, where: {where}}}' for where in ("time >= done", "time >= levy.nobody", "time >= nobody.done", "levy.amount > time", "time > now()", "amount > 1", "levy.done", '""', "TRUE; DROP TABLE facts", "a.levy.done < time", "levy.unit < subject"))),
    *swap("/views/levy/columns/answers/where", "shape", '"*", of: levy.answered.v1}', '"*", of: levy.answered.v1, where: 7}', '"*", of: levy.answered.v1, where: [TRUE]}'),
    *swap("/views/levy/columns/answers/where", "column_cycle", '"*", of: levy.answered.v1}', '"*", of: levy.answered.v1, where: levy.answers > 0}', f'"*", of: levy.answered.v1, where: levy.x0 > 0}}\n{stack(1, "answers")}', f'"*", of: levy.answered.v1, where: levy.x8 > 0}}\n{stack(9, "answers")}'),
    *swap("/views/levy/columns/x8/where", "too_deep", '"*", of: levy.answered.v1}', f'"*", of: levy.answered.v1}}\n{stack(10, "answers")}', at="      x8:"),
    *swap("/views/levy/columns/unit/where", "unit_filtered", "{first: subject, of: levy.done.v1}", "{first: subject, of: levy.done.v1, where: levy.answers > 0}", '{first: subject, of: levy.done.v1, where: "TRUE"}'),
    *swap("/views/levy/columns/answers/where", "too_long", '"*", of: levy.answered.v1}', f'"*", of: levy.answered.v1, where: "{"TRUE AND " * 300}TRUE"}}'),
    *swap("/measures/ontime/numerator", "expression", "count(*) FILTER (WHERE answered <= done)", "count(*); DROP TABLE cells", "count(*) FILTER (WHERE pg_sleep(60) IS NULL)", "(SELECT count(*) FROM cells)", "count(*) / 0", "count(voucher)", "sum(done)", '""', "COUNT（*）", "(" * 900 + "count(*)" + ")" * 900),
    *swap("/measures/ontime/numerator", "too_long", "count(*) FILTER (WHERE answered <= done)", "x" * 2001),
    *swap("/measures/ontime/numerator", "shape", "count(*) FILTER (WHERE answered <= done)", "7", "null", "[count]"),
    *swap("/measures/ontime/over", "expression", "owner: d1\n    over: levy", "owner: d1\n    over: nothing", "owner: d1\n    over: loose.v2"),
    *swap("/measures/ontime/version", "shape", "  ontime:\n    version: 1", "  ontime:\n    version: 0", "  ontime:\n    version: true", '  ontime:\n    version: "1"'),
    *swap("/measures/open_end", "shape", "    kind: stock\n", "    kind: flow\n", at="  open_end:"),
    *swap("/measures/open_end/kind", "shape", "    kind: stock\n", "    kind: STOCK\n"),
    *swap("/measures/open_end/period_by/until", "expression", "{from: done, until: answered}", "{from: done, until: amount}"),
    *swap("/measures/open_end/period_by/from", "expression", "{from: done, until: answered}", "{from: nothing, until: answered}"),
    *swap("/measures/ontime/owner", "unknown_unit", "    owner: d1\n", "    owner: nobody\n"),
    *swap("/measures/ontime/effective", "measure_effective", "    owner: d1\n", "    effective: 2021-02\n"),
    *swap("/measures/open_end/period_by/until", "shape", "{from: done, until: answered}", "{from: done}", at="    period_by: {from: done}"),
    *swap("/measures/owed/numerator", "magnitude", "numerator: sum(owed)", "numerator: sum(debt)", "numerator: sum(owed - 1)"),
    *swap("/measures/late/cap", "cap_zero", 'cap: "2"', 'cap: "0"'),
    *swap("/measures/late/per_day", "per_day_zero", 'per_day: "0.2"', 'per_day: "0"'),
    *swap("/measures/late/per_day", "per_day_above_cap", 'per_day: "0.2"', 'per_day: "3"'),
    *swap("/measures/late/cap", "cap_out_of_reach", 'per_day: "0.2"', 'per_day: "0.000001"'),
    *swap("/measures/late/items", "shape", "items: decision,", "items: wish,"),
    *swap("/measures/decided/decided", "shape", "{decided: incidents}", "{decided: everything}"),
    *swap("/measures/Late", "shape", "  late: {items", "  Late: {items"),
    *swap("/measures/came", "shape", "{over: levy, period_by: done, numerator: count(*)}", "7", "count(*)", "null"),
]  # fmt: skip

INDICATORS = [
    *swap("/indicators/1/code", "shape", "- code: answered", "- code: 应对率", '- code: ""'),
    *swap("/indicators/1", "duplicate", "- code: answered", "- code: training"),
    *swap("/indicators/0/board", "unknown_board", "name: 到课率\n    board: party", "name: 到课率\n    board: Party", "name: 到课率\n    board: parties"),
    *swap("/indicators/0/points", "no_points", 'points: "26"\n', 'points: "0"\n', 'points: "0.000"\n'),
    *swap("/indicators/0/points", "shape", 'points: "26"\n', "points: 26\n", 'points: "-26"\n', 'points: "26 points"\n', "points: {}\n"),
    *swap("/indicators/0/assessor", "unknown_unit", "assessor: d1", "assessor: nobody", "assessor: D1"),
    *swap("/indicators/0/groups", "unknown_group", "d1\n    groups: [bureaus, regions]", "d1\n    groups: [bureaus, nations]"),
    *swap("/indicators/0/groups/1", "duplicate", "d1\n    groups: [bureaus, regions]", "d1\n    groups: [bureaus, bureaus]"),
    *swap("/indicators/0/groups", "shape", "d1\n    groups: [bureaus, regions]", "d1\n    groups: []", "d1\n    groups: bureaus"),
    *swap("/indicators/0/cycle", "shape", "cycle: month", "cycle: week", "cycle: Month", "cycle: 1"),
    *swap("/indicators/1/cycle", "never_due", "  effective: 2021-01\n  until: 2021-12", "  effective: 2021-01\n  until: 2021-02", at="    cycle: quarter"),
    *swap("/indicators/0/collection", "shape", "collection: machine", "collection: robot", "collection: 机生机汇"),
    *swap("/indicators/2/measure", "unknown_measure", "measure: came\n", "measure: gone\n"),
    *swap("/indicators/2/measure", "shape", "measure: came\n", "measure: [came]\n"),
    *swap("/indicators/0/method/target/target", "target_zero", 'target: "0.98"', 'target: "0"', 'target: "0.000000"'),
    *swap("/indicators/0/method/target/target", "shape", 'target: "0.98"', "target: 98%", 'target: "-0.98"', 'target: "1e-2"'),
    *swap("/indicators/1/method/target/direction", "shape", "direction: up", "direction: sideways", "direction: UP"),
    *swap("/indicators/0/method", "shape", 'method: {target: {target: "0.98"}}', "method: {}", "method: target"),
    *swap("/indicators/0/method/magic", "shape", 'method: {target: {target: "0.98"}}', 'method: {target: {target: "0.98"}, magic: {}}'),
    *swap("/indicators/2/method/deduct/each", "each_zero", 'each: "0.5", floor: "1"', 'each: "0", floor: "1"'),
    *swap("/indicators/2/method/deduct/each", "each_missing", 'each: "0.5", floor: "1"', 'floor: "1"', at="    method: {deduct: {floor"),
    *swap("/indicators/2/method/deduct/floor", "floor", 'each: "0.5", floor: "1"', 'each: "0.5", floor: "20"', 'each: "0.5", floor: "21"'),
    *swap("/indicators/3/method/deduct/each", "each_of_points", "measure: late\n    method: {deduct: {}}", 'measure: late\n    method: {deduct: {each: "1"}}'),
    *swap("/indicators/3/method", "points_are_deducted", "measure: late\n    method: {deduct: {}}", 'measure: late\n    method: {target: {target: "1"}}'),
    *swap("/indicators/4/measure", "measure_taken", "measure: decided\n", "measure: late\n"),
    *swap("/indicators/6/units/0", "unknown_unit", "units: [b1]\n    measure: ontime", "units: [b9]\n    measure: ontime"),
    *swap("/indicators/6/units/0", "other_group", "units: [b1]\n    measure: ontime", "units: [r1]\n    measure: ontime"),
    *swap("/indicators", "indicator_sum", "units: [b2]\n    measure: ontime", "units: [b1]\n    measure: ontime", at="indicators:"),
    *swap("/indicators/0/weight", "shape", "assessor: d1", "weight: 7"),
    *swap("/indicators/0/assessor", "no_assessor", "assessor: d1", 'assessor: ""'),
    *swap("/indicators/0/source", "no_source", '{target: {target: "0.98"}}\n    source: {document: 考评办法}', '{target: {target: "0.98"}}', at="- code: training"),
    *swap("/indicators/0/dates", "no_days", "cycle: month", "cycle: point", at="- code: training"),
    *swap("/indicators/0/milestones", "no_days", "cycle: month", "cycle: progress", at="- code: training"),
    *swap("/indicators/0/dates", "other_cycle", "cycle: month", "cycle: month\n    dates: [2021-06-30]"),
    *swap("/indicators/0/dates/0", "dates", "cycle: month", "cycle: point\n    dates: [2020-06-30]", "cycle: point\n    dates: [2022-06-30]", at="dates: ["),
    *swap("/indicators/0/dates/0", "shape", "cycle: month", "cycle: point\n    dates: [2021-06-31]", at="dates: ["),
    *swap("/indicators/0/no_data", "shape", "cycle: month", "cycle: month\n    no_data: maybe"),
    *swap("/indicators/2/no_data", "no_data", "measure: came\n", "measure: came\n    no_data: zero\n"),
    *swap("/indicators/2/measure", "mean", "period_by: done, numerator: count(*)}", "period_by: done, numerator: count(*), over_months: mean}", at="measure: came"),
    *swap("/indicators", "shape", BASE[BASE.index("indicators:") : BASE.index("tiers:")], "indicators: []\n", "indicators: null\n", at="indicators:"),
    *swap("/indicators/0/name", "characters", "name: 到课率", 'name: "到课率\\u2028"', 'name: "\\ufeff到课率"'),
]  # fmt: skip

REST = [
    *swap("/tiers", "tier_sum", '{code: third, share: "0.2"}', '{code: third, share: "0.200001"}', '{code: third, share: "0.1"}', at="tiers:"),
    *swap("/tiers/2", "duplicate", "{code: third,", "{code: first,"),
    *swap("/tiers/2/share", "shape", '{code: third, share: "0.2"}', "{code: third, share: 20%}", '{code: third, share: "-0.2"}'),
    *swap("/tiers/2/share", "no_share", '{code: second, share: "0.4"}\n  - {code: third, share: "0.2"}', '{code: second, share: "0.6"}\n  - {code: third, share: "0"}', at='share: "0"}'),
    *swap("/ranking/minimum_volume", "unknown_measure", "{measure: came, at_least: 20}", "{measure: gone, at_least: 20}"),
    *swap("/ranking/minimum_volume/measure", "stock", "{measure: came, at_least: 20}", "{measure: open_end, at_least: 20}"),
    *swap("/ranking/minimum_volume/measure", "points", "{measure: came, at_least: 20}", "{measure: late, at_least: 20}"),
    *swap("/ranking/minimum_volume/at_least", "shape", "{measure: came, at_least: 20}", "{measure: came, at_least: 0}", '{measure: came, at_least: "20"}', "{measure: came, at_least: true}", f"{{measure: came, at_least: {HUGE}}}"),
    *swap("/incidents/findings/0/type", "unknown_type", "type: finding.made.v1", "type: finding.made.v2"),
    *swap("/incidents/findings/0/object", "unknown_field", "v1\n      object: object\n      content: content", "v1\n      object: thing\n      content: content"),
    *swap("/incidents/findings/0/content", "not_required", "      content: content", "      content: desk"),
    *swap("/incidents/findings/0/finder", "not_required", "      finder: finder", "      finder: desk"),
    *swap("/incidents/findings/0/severity", "unknown_field", "severity: weight", "severity: status"),
    *swap("/incidents/findings/0/deducts/indicator", "unknown_indicator", "deducts: {indicator: linked,", "deducts: {indicator: gone,"),
    *swap("/incidents/findings/0/deducts/indicator", "takes_no_incidents", "deducts: {indicator: linked,", "deducts: {indicator: missed,"),
    *swap("/incidents/findings/0/deducts/points", "unknown_field", 'points: "0.5"}\n  inspections', "points: status}\n  inspections"),
    *swap("/incidents", "shape", "type: inspection.ended.v1", "type: finding.made.v1", at="incidents:"),
    *swap("/incidents/contents/vat", "unknown_unit", "contents: {vat: d1}", "contents: {vat: d9}"),
    *swap("/incidents/triggers/0/when/1/fact", "shape", "{fact: finding.years,", "{fact: finding.everything,"),
    *swap("/incidents/triggers/0/when/1", "shape", "{fact: finding.years, meets: inspection.years}", "{fact: finding.years}", "{fact: finding.years, meets: inspection.years, at_least: 1}"),
    *swap("/incidents/triggers/0/when/4", "shape", ", same_day: person}", "}"),
    *swap("/incidents/triggers/0/when/1/meets", "condition", "{fact: finding.years, meets: inspection.years}", "{fact: finding.years, meets: inspection.started}"),
    *swap("/incidents/triggers/0/when/1/before", "condition", "{fact: finding.years, meets: inspection.years}", "{fact: finding.years, before: finding.discovered, same_day: person}"),
    *swap("/incidents/triggers/0/when/2/is/0", "condition", 'is: ["0"]', "is: [none]", 'is: ["00"]'),
    *swap("/incidents/triggers/0/when/3/is/0", "condition", "is: [inspectorate]", "is: [everybody]"),
    *swap("/incidents/triggers/0/when/2/is/0", "unknown_type", '{fact: inspection.found, is: ["0"]}', "{fact: inspection.type, is: [finding.made.v1]}"),
    *swap("/incidents/triggers/0/when", "no_object", "{fact: finding.object, meets: inspection.object}", "{fact: finding.content, meets: inspection.content}", at="when:\n"),
    *swap("/incidents/triggers/0/gate", "shape", "gate: 2", "gate: -1", "gate: true", 'gate: "2"', "gate: 2147483648"),
    *swap("/incidents/triggers/0/roles/bureau/indicator", "unknown_indicator", 'bureau: {indicator: linked, points: "0.5"}', 'bureau: {indicator: gone, points: "0.5"}'),
    *swap("/incidents/triggers/0/roles/bureau", "shape", '        bureau: {indicator: linked, points: "0.5"}\n', "", at="      roles:"),
    *swap("/incidents/jurisdictions/0/until", "dates", "until: 2021-06-30", "until: 2020-12-31"),
    *swap("/incidents/jurisdictions/0/until", "shape", "until: 2021-06-30", "until: 2021-06-31", "until: 2021-6-30"),
    *swap("/incidents/jurisdictions/1/units", "two_inspectorates", "until: 2021-06-30", "until: 2021-07-01", at="{inspectorate: r2"),
    *swap("/incidents/jurisdictions/0/inspectorate", "unknown_unit", "inspectorate: r1,", "inspectorate: r9,"),
    *swap("/items/decisions/kind", "shape", "kind: decision\n", "kind: wish\n"),
    *swap("/items/decisions/opens/type", "unknown_type", "opens: {type: task.given.v1,", "opens: {type: task.given.v9,"),
    *swap("/items/decisions/completes/type", "no_case", "completes: {type: task.done.v1}", "completes: {type: loose.v1}"),
    *swap("/items/decisions/opens/unit", "unknown_field", "unit: lead, title: title", "unit: days, title: title"),
    *swap("/items/decisions/opens/when/colour", "unknown_field", "when: {sort: [decision]}", "when: {colour: [decision]}"),
    *swap("/items/decisions/due", "shape", "due: {working_days_of: days}", "due: {}", "due: {working_days_of: days, working_days: 3}"),
    *swap("/items/decisions/due/working_days_of", "unknown_field", "due: {working_days_of: days}", "due: {working_days_of: title}"),
    *swap("/items/decisions/due/working_days", "shape", "due: {working_days_of: days}", "due: {working_days: 0}", "due: {working_days: 2001}", "due: {working_days: true}"),
    *swap("/items/decisions/indicator", "unknown_indicator", "    indicator: late\n", "    indicator: gone\n"),
    *swap("/items/decisions/sign_days", "shape", "sign_days: 2", "sign_days: 0", 'sign_days: "2"'),
    *swap("/items/decisions/accept", "shape", "sign_days: 2", "accept: yes"),
    *swap("/surprise", "shape", "tiers:\n", "surprise: 1\ntiers:\n"),
    *swap("/<<", "shape", "tiers:\n", "<<: {a: 1}\ntiers:\n"),
    *swap("/__proto__", "shape", "tiers:\n", "__proto__: {admin: true}\ntiers:\n"),
]  # fmt: skip

BESIDES = [
    *swap("/scheme/consultation_rounds", "shape", "  places: 2\n", '  consultation_rounds: "3"\n', "  consultation_rounds: -1\n", "  consultation_rounds: 100\n"),
    *swap("/coverage/machine", "shape", "tiers:\n", 'coverage: {machine: 53%, system: "0.27"}\ntiers:\n', 'coverage: {machine: 0, system: "0.27"}\ntiers:\n'),
    *swap("/coverage/system", "shape", "tiers:\n", 'coverage: {machine: "0.53"}\ntiers:\n'),
    *swap("/coverage", "coverage_above_one", "tiers:\n", 'coverage: {machine: "0.73", system: "0.28"}\ntiers:\n', 'coverage: {machine: "53", system: "27"}\ntiers:\n'),
    *swap("/children/indicators", "shape", "tiers:\n", "children: {indicators: 0}\ntiers:\n", 'children: {indicators: "40"}\ntiers:\n', f"children: {{indicators: {HUGE}}}\ntiers:\n"),
    *swap("/parent/unit", "shape", "tiers:\n", "parent: {scheme: nation, version: 1}\ntiers:\n", "parent: {scheme: nation, version: 1, unit: 省局}\ntiers:\n"),
    *swap("/parent/version", "shape", "tiers:\n", "parent: {scheme: nation, version: latest, unit: b1}\ntiers:\n"),
    *swap("/indicators/0/decomposes", "no_parent", "assessor: d1", "assessor: d1\n    decomposes: ontime"),
]  # fmt: skip

CASES = [*HEAD, *UNITS, *BOARDS, *OVERLAYS, *MEASURES, *INDICATORS, *REST, *BESIDES]


@dataclass(frozen=True)
class Raw:
    """A text that is not read: of YAML with its line."""

    code: str
    text: str
    line: int = 1


def spoilt(old: str, new: str, code: str, later: int = 0) -> Raw:
    """The good document with something in it that is not taken as YAML, found some lines later."""
    made = Hostile("", code, old, new)
    return Raw(code, made.text, made.line + later)


BOMB = "\n".join(f"x{at}: &x{at} [{', '.join([f'*x{at - 1}'] * 9) if at else 'lol'}]" for at in range(9))
RAW_YAML = [
    Raw("anchor", BOMB),
    Raw("empty", ""),
    Raw("empty", "# nothing\n"),
    Raw("yaml", "}"),
    Raw("yaml", "scheme: [\n", 2),
    Raw("yaml", "%YAML 9.9\n---\nscheme: {}\n"),
    Raw("depth", "a: " + "[" * 40 + "]" * 40),
    Raw("depth", "[" * 100_000),
    Raw("depth", "- " * 100_000 + "a"),
    Raw("depth", "\n".join("  " * at + f"k{at}:" for at in range(1000)), 33),
    Raw("complexity", "a: [" + "1," * 100_000 + "1]"),
    Raw("documents", BASE + "---\n" + BASE, BASE.count("\n") + 1),
    Raw("encoding", "\ufeff" + BASE),
    Raw("characters", BASE.replace("title: 小方案", "title: 小\u2028方案"), 4),
    Raw("characters", BASE.replace("title: 小方案", "title: 小\u0085方案"), 4),
    Raw("yaml", BASE.replace("title: 小方案", "title: 小\0方案")),
    Raw("yaml", BASE.replace("title: 小方案", "title: \u001b[2J")),
    spoilt("title: 小方案", "title: *title", "anchor"),
    spoilt("title: 小方案", "title: &title 小方案", "anchor"),
    spoilt("title: 小方案", "title: !!python/object/apply:os.system [id]", "tag"),
    spoilt("title: 小方案", "title: !!binary aGk=", "tag"),
    spoilt("title: 小方案", "title: 小方案\n  title: 大方案", "duplicate_key"),
    spoilt("title: 小方案", 'title: 小方案\n  "title": 大方案', "duplicate_key"),
    spoilt("title: 小方案", "title:\t小方案", "tab"),
    spoilt("  version: 1\n  title", "  version: 1.5\n  title", "number"),
    spoilt("  version: 1\n  title", "  version: 1e3\n  title", "number"),
    spoilt("  version: 1\n  title", "  version: .5\n  title", "number"),
    spoilt("  zone: Asia/Shanghai", "  ? [zone]\n  : Asia/Shanghai", "key"),
    spoilt("  zone: Asia/Shanghai", "  <<: *base\n", "anchor"),
    spoilt("tiers:\n", "tiers:\n  -\n tier: 7\n", "yaml", later=1),
]  # fmt: skip

GOOD = json.dumps(yamls.parse(BASE, "base").value, ensure_ascii=False)
RAW_JSON = [
    ("depth", "[" * 100_000),
    ("depth", '{"a":' * 40 + "1" + "}" * 40),
    ("json", ""),
    ("json", GOOD[:-1]),
    ("json", GOOD + GOOD),
    ("json", GOOD.replace('"scheme"', "scheme", 1)),
    ("json", GOOD.replace('"version": 1', '"version": 01', 1)),
    ("json", GOOD.replace('"version": 1', '"version": 0x1', 1)),
    ("json", GOOD.replace('"version": 1', '"version": +1', 1)),
    ("json", GOOD + "// a comment"),
    ("number", GOOD.replace('"version": 1', '"version": 1.0', 1)),
    ("number", GOOD.replace('"version": 1', '"version": 1e0', 1)),
    ("number", GOOD.replace('"version": 1', '"version": -0', 1)),
    ("number", GOOD.replace('"version": 1', f'"version": {HUGE}', 1)),
    ("non_finite", GOOD.replace('"version": 1', '"version": NaN', 1)),
    ("non_finite", GOOD.replace('"version": 1', '"version": -Infinity', 1)),
    ("duplicate_key", GOOD.replace('"version": 1', '"version": 1, "version": 2', 1)),
    ("duplicate_key", GOOD.replace('"version": 1', '"version": 1, "v\\u0065rsion": 2', 1)),
    ("encoding", "\ufeff" + GOOD),
    ("encoding", GOOD.replace("小方案", "\\ud800", 1)),
    ("encoding", GOOD.replace("小方案", "\\u0000", 1)),
    ("complexity", '{"units": [' + "1," * 5001 + "1]}"),
    ("complexity", "{" + ",".join(f'"k{at}": 1' for at in range(2001)) + "}"),
]
