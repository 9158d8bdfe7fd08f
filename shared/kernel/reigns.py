"""Which months each of several versions rules: of those that cover a month, the newest."""

from collections.abc import Mapping

Months = tuple[int, int]


def reigns(covered: Mapping[int, Months]) -> dict[int, Months]:
    """Return by version the first and last month that it rules, in order; one that rules none is left out.

    `covered` are the months that each covers. A newer version holds to the end of an older one, so that what
    an older one rules ends where the next begins; the order in which versions are known does not matter.
    """
    found: dict[int, Months] = {}
    for version, (first, last) in sorted(covered.items(), key=lambda one: one[1]):
        ends = [
            begins - 1
            for newer, (begins, until) in covered.items()
            if newer > version and begins <= last and until >= first
        ]
        end = min([last, *ends])
        if first <= end:
            found[version] = first, end
    return found
