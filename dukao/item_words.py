"""Items under supervision in the words of officials: kinds, acts, states, lights, and an item as printed."""

from typing import Any

LIGHTS = {
    "green": "绿灯",
    "yellow": "黄灯",
    "red": "红灯·逾期",
    "done": "办结",
    "done_late": "办结(逾期)",
    "off": "—",
}
STATES = {
    "registered": "已登记",
    "assigned": "已交办",
    "signed": "已签收",
    "in_progress": "办理中",
    "submitted": "已报送",
    "sent_back": "已退回",
    "completed": "已办结",
    "cleared": "已销号",
    "cancelled": "已取消",
    "withdrawn": "已撤回",
}
KINDS = {
    "decision": "决定事项",
    "document": "公文",
    "instruction": "领导批示",
    "control_risk": "内控风险",
    "alleged_finding": "待查核问题",
}
ACTS = {
    "open": "登记",
    "assign": "交办",
    "sign": "签收",
    "start": "开始办理",
    "submit": "报送",
    "accept": "销号",
    "send-back": "退回",
    "pause": "暂停",
    "resume": "恢复",
    "ask-extension": "申请延期",
    "approve-extension": "批准延期",
    "refuse-extension": "不批准延期",
    "cancel": "取消",
    "reopen": "重新办理",
    "complete": "办结",
    "withdraw": "撤回",
}
EXTENSIONS = {"asked": "待批", "approved": "已批准", "lapsed": "已失效"}
REFUSED = {"illegal_step": "状态不允许", "same_person": "须由他人办理", "already_approved": "已批准过"}


def line(one: dict[str, Any]) -> dict[str, Any]:
    """Return an item as a line of a list."""
    return one | {
        "kind": KINDS[one["kind"]],
        "state": f"{STATES[one['state']]}{'·暂停' if one['paused'] else ''}",
        "light": LIGHTS[one["light"]],
        "late": len(one["late_days"]),
        "due": f"{one['due'] or '—'}{' 暂定' if one['provisional'] else ''}",
    }


def told(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as a person reads it: what has parts in one line each."""
    event = item["event"]
    return line(item) | {
        "event": None if event is None else f"{event['source']}/{event['id']}",
        "shares": _split(item["shares"]),
        "late_days": ", ".join(item["late_days"]) or None,
        "late_shares": "; ".join(f"{one['first']} 起 {_split(one['shares'])}" for one in item["late_shares"])
        or None,
        "extensions": ", ".join(f"{one['day']} {EXTENSIONS[one['state']]}" for one in item["extensions"])
        or None,
    }


def _split(shares: dict[str, str]) -> str:
    return ", ".join(f"{unit} {share}" for unit, share in shares.items())


def happened(one: dict[str, Any]) -> dict[str, Any]:
    """Return a line of the history of an item."""
    refused = one["refused"]
    return one | {
        "act": ACTS[one["act"]],
        "state": STATES[one["state"]],
        "refused": REFUSED.get(refused, refused),
    }
