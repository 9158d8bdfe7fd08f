"""The words in which people read what scoring says of incidents by codes."""

STAGES = {
    "confirmed": "已确认",
    "checked": "已实地查核",
    "alleged": "待查核",
    "dropped": "已排除",
    "withdrawn": "已撤回",
}
STATES = {"counted": "扣分", "revived": "扣分·恢复", "suppressed": "已抵减·从高", "not_scored": "不适用"}
ROLES = {"own": "被考评单位", "department": "主管司局", "bureau": "省局", "inspectorate": "特派办"}
STANCES = {"corroborates": "印证", "contradicts": "相反", "withdrawn": "已撤回"}
DOUBTS = {
    "same_day": "发现日与检查结束同日，须人工判断",
    "second_person": "须由研判人以外的第二人确认",
    "no_department": "无主管司局",
    "no_inspectorate": "无负责的特派办",
    "not_scored": "方案不考核",
}
UNREAD = {
    "no_scheme": "当日无适用方案",
    "fields": "字段缺失",
    "status": "状态不明",
    "years": "年度缺失或颠倒",
    "days": "检查起止日颠倒",
}
HAPPENED = {
    "finding": "问题",
    "inspection": "检查",
    "apply": "裁定适用",
    "dismiss": "裁定不适用",
    "join": "并案",
    "part": "拆案",
}
RISES = {
    "zh": (
        "显著上升",
        "未见显著上升",
        "{title}：{month} 与基线 {span} 比较，检验 {tested} 个地区，最低 {minimum} 件，显著性水平 {alpha}",
        "没有可检验的地区：本月或基线无暴露量",
        ("尚未研判，按现有数据", "{judged_by} 研判，截至 T {closes} 前收到的数据"),
    ),
    "en": (
        "rose significantly",
        "no significant rise",
        "{title}: {month} against {span}, {tested} regions tested, at least {minimum} events, level {alpha}",
        "no region can be tested: no exposure in the month or before",
        ("not judged, by what is known now", "judged by {judged_by}, by what was received before T {closes}"),
    ),
}
