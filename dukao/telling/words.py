"""What officials call the words of answers, in Chinese and English."""

from dukao.telling.languages import Words

NOT_COUNTED: Words = {
    "filter_not_met": ("不符合口径的筛选条件", "the measure's filter does not hold"),
    "no_date": ("缺少归入期间的日期", "has no date that puts it into a period"),
    "other_month": ("属于其他月份", "belongs to another month"),
    "left_before_the_end": ("期末前已了结", "was over before the end of the period"),
    "revised": ("已被更高版次更正", "a higher revision counts"),
    "withdrawn": ("已撤回", "was retracted"),
    "same_fact": ("与已有事实相同", "repeats a fact that is known"),
    "original_missing": ("所更正的原事件未到", "corrects an event that has not come"),
    "beyond_cap": ("该事项已扣至上限", "the item's cap was reached before"),
    "provisional": ("期限暂定，暂不扣分", "the due time is provisional"),
    "other_indicator": ("属于其他指标或方案", "the item names another indicator or scheme"),
    "suppressed": ("同一问题从高扣分，已抵减", "a higher deduction of the same problem counts"),
    "not_scored": ("该单位无此指标", "the indicator is not one of the unit"),
}
FIGURES: Words = {
    "scored": ("已评分", "scored"),
    "not_assessed": ("未考", "not yet assessed"),
    "not_due": ("未到考评期", "not due in this period"),
    "not_applicable": ("不适用", "not applicable"),
}
STATES: Words = {
    "live": ("实时，未结账", "live"),
    "closed": ("已结账", "closed"),
    "restated": ("重述", "restated"),
}
COLUMNS: Words = {
    "case": ("事项", "case"),
    "completed": ("办结", "completed"),
    "day": ("逾期日", "late day"),
    "due": ("期限", "due"),
    "deadline": ("期限", "deadline"),
    "finding": ("发现", "finding"),
    "given": ("交办", "given"),
    "incident": ("问题", "incident"),
    "inspection": ("检查", "inspection"),
    "item": ("督考事项", "item"),
    "light": ("亮灯", "light"),
    "points": ("分值", "points"),
    "role": ("责任", "role"),
    "share": ("分摊", "share"),
    "state": ("状态", "state"),
    "suppressed_by": ("抵减于", "suppressed by"),
    "time": ("发生", "occurred"),
    "title": ("名称", "title"),
    "trigger": ("触发条件", "trigger"),
}
VALUES: Words = {
    "assigned": ("已交办", "assigned"),
    "bureau": ("省局", "bureau"),
    "cancelled": ("已取消", "cancelled"),
    "cleared": ("已销号", "cleared"),
    "completed": ("已办结", "completed"),
    "counted": ("扣分", "counted"),
    "department": ("主管司局", "department"),
    "done": ("办结", "done"),
    "done_late": ("办结(逾期)", "done late"),
    "green": ("绿灯", "green"),
    "in_progress": ("办理中", "in progress"),
    "inspectorate": ("特派办", "inspectorate"),
    "not_scored": ("不适用", "not scored"),
    "off": ("不再督办", "off"),
    "own": ("被考评单位", "own"),
    "red": ("红灯·逾期", "red"),
    "registered": ("已登记", "registered"),
    "revived": ("扣分·恢复", "revived"),
    "sent_back": ("已退回", "sent back"),
    "signed": ("已签收", "signed"),
    "submitted": ("已报送", "submitted"),
    "suppressed": ("已抵减·从高", "suppressed"),
    "withdrawn": ("已撤回", "withdrawn"),
    "yellow": ("黄灯", "yellow"),
}
TRANSLATED = frozenset({"light", "role", "state"})
