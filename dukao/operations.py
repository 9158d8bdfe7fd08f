"""Which operations of the services' OpenAPI each command calls, as `service.operationId`.

Whatever a command does to a platform, a program can do too: it is an operation that is described. A test
compares this table with the commands, with the descriptions, and with what commands really ask.
"""

from collections.abc import Mapping

FOLDING = ("scoring", "supervision", "ranking", "notify")


def _each(*operations: str) -> tuple[str, ...]:
    """Return operations that every service with consumers has."""
    return tuple(f"{service}.{operation}" for operation in operations for service in FOLDING)


_TYPES = ("ingest.list_types", "ingest.show_type")
_ADOPT_TYPES = ("ingest.draft_types", "ingest.adopt_types")
_ADOPT_SCHEME = ("scoring.draft_scheme", "scoring.adopt_scheme")

LOCAL = frozenset(
    {
        "admit",
        "calendar check",
        "calendar schema",
        "calendar seed",
        "demo",
        "doctor",
        "down",
        "env",
        "logs",
        "rules check",
        "scheme schema",
        "status",
        "token",
        "types check",
        "up",
    }
)  # of the machine, its files or a document; `demo` runs the other commands

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "calendar adopt": ("supervision.adopt_calendar",),
    "calendar apply": ("supervision.draft_calendar", "supervision.adopt_calendar"),
    "calendar import": ("supervision.draft_calendar",),
    "calendar list": ("supervision.list_calendars",),
    "calendar show": (
        "supervision.list_calendars",
        "supervision.show_calendar_days",
        "supervision.show_calendar_version",
    ),
    "conflicts dismiss": ("ingest.dismiss_conflict",),
    "conflicts list": ("ingest.list_conflicts",),
    "conflicts replay": ("ingest.replay_conflict",),
    "conflicts show": ("ingest.show_conflict",),
    "consumers approve": _each("approve_skip"),
    "consumers orders": _each("list_shards", "list_orders"),
    "consumers pause": _each("pause_consumer"),
    "consumers resume": _each("resume_consumer"),
    "consumers retry": _each("retry_consumer"),
    "consumers skip": _each("ask_skip"),
    "consumers withdraw": _each("withdraw_skip"),
    "events replay": ("ingest.read_shards", "ingest.read_stream", "ingest.post_events"),
    "events tail": tuple(
        f"{service}.{name}" for service in ("ingest", *FOLDING) for name in ("read_shards", "read_stream")
    ),
    "explain": ("scoring.explain_cell",),
    "feeds": ("ingest.list_feeds",),
    "inbox list": ("notify.list_inbox",),
    "inbox show": ("notify.show_inbox_entry",),
    "inbox sign": ("notify.sign_inbox_entry",),
    "incidents decide": ("scoring.show_incident", "scoring.decide_incident"),
    "incidents join": ("scoring.join_incident",),
    "incidents list": ("scoring.list_incidents",),
    "incidents part": ("scoring.part_incident",),
    "incidents show": ("scoring.show_incident",),
    "incidents unread": ("scoring.list_unread_reports",),
    "items accept": ("supervision.accept_item",),
    "items approve": ("supervision.approve_extension_item",),
    "items assign": ("supervision.assign_item",),
    "items cancel": ("supervision.cancel_item",),
    "items counts": ("supervision.count_items",),
    "items coverage": ("supervision.show_coverage",),
    "items extend": ("supervision.ask_extension_item",),
    "items list": ("supervision.list_items",),
    "items open": ("supervision.open_item",),
    "items pause": ("supervision.pause_item",),
    "items refuse": ("supervision.refuse_extension_item",),
    "items reopen": ("supervision.reopen_item",),
    "items resume": ("supervision.resume_item",),
    "items send-back": ("supervision.send_back_item",),
    "items show": ("supervision.show_item",),
    "items sign": ("supervision.sign_item",),
    "items start": ("supervision.start_item",),
    "items submit": ("supervision.submit_item",),
    "lag": _each("list_shards"),
    "manifests": ("ingest.list_manifests",),
    "points approve": ("scoring.approve_points",),
    "points list": ("scoring.list_points",),
    "points refuse": ("scoring.refuse_points",),
    "points request": ("scoring.request_points",),
    "points show": ("scoring.show_points",),
    "points withdraw": ("scoring.withdraw_points",),
    "rebuild": _each("start_rebuild", "show_rebuild", "swap_rebuild"),
    "refusals dismiss": ("ingest.dismiss_refusal",),
    "refusals fix": ("ingest.fix_refusal",),
    "refusals list": ("ingest.list_refusals",),
    "refusals show": ("ingest.show_refusal",),
    "replies answer": ("scoring.answer_reply",),
    "replies list": ("scoring.list_replies",),
    "replies send": ("scoring.send_reply",),
    "replies show": ("scoring.show_reply",),
    "reviews ask": ("scoring.ask_review",),
    "reviews change": ("scoring.change_review",),
    "reviews drop": ("scoring.drop_review",),
    "reviews list": ("scoring.list_reviews",),
    "reviews show": ("scoring.show_review",),
    "reviews uphold": ("scoring.uphold_review",),
    "rules adopt": ("notify.adopt_rules",),
    "rules show": ("notify.show_rules", "notify.show_rules_version"),
    "scheme adopt": ("scoring.adopt_scheme",),
    "scheme apply": (*_TYPES, *_ADOPT_SCHEME),
    "scheme check": _TYPES,
    "scheme answer": ("scoring.answer_comment",),
    "scheme close-round": ("scoring.close_round",),
    "scheme comment": ("scoring.comment_scheme",),
    "scheme consult": ("scoring.open_round",),
    "scheme consultation": ("scoring.show_consultation",),
    "scheme coverage": ("scoring.show_scheme_coverage",),
    "scheme diff": ("scoring.diff_scheme", "scoring.show_scheme"),
    "scheme draft": ("scoring.draft_scheme",),
    "scheme layers": ("scoring.show_scheme_layers", "scoring.show_scheme"),
    "scheme list": ("scoring.list_schemes",),
    "scheme show": ("scoring.show_scheme",),
    "send": (*_TYPES, "ingest.post_events"),
    "simulate": ("ingest.post_events",),
    "standings": ("ranking.list_standings", "ranking.show_standing"),
    "types adopt": ("ingest.adopt_types",),
    "types apply": _ADOPT_TYPES,
    "types draft": ("ingest.draft_types",),
    "types list": ("ingest.list_types",),
    "types show": ("ingest.show_type",),
    "webhooks add": ("notify.add_webhook",),
    "webhooks attempts": ("notify.list_attempts",),
    "webhooks dead": ("notify.list_deliveries",),
    "webhooks list": ("notify.list_webhooks",),
    "webhooks pause": ("notify.pause_webhook",),
    "webhooks ping": ("notify.ping_webhook", "notify.show_delivery"),
    "webhooks remove": ("notify.remove_webhook",),
    "webhooks resend": ("notify.resend_delivery",),
    "webhooks resume": ("notify.resume_webhook",),
    "webhooks rotate": ("notify.rotate_webhook",),
    "webhooks show": ("notify.show_webhook",),
}
