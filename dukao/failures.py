"""The one place where an expected error becomes a message, advice and an exit code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from deploy.control import NotRunningError
from deploy.embedded.files import MissingError
from deploy.state import OtherPlatformError
from dukao.client import AwayError, FailedError, RefusedError
from dukao.exits import Exit
from dukao.lags import SilentError, StandstillError
from dukao.manual import GroupPage
from dukao.output import complain
from dukao.yamls import UnreadableError
from shared.kernel.errors import Refused

ADVICE = {
    "invalid_token": "The clock of this machine or the issuer's key has changed: dukao down, dukao up.",
    "forbidden": "Another role may do this: dukao token --help names the roles.",
    "same_person": "Another person must do this; in development --as names one.",
    "already_adopted": "Raise the version in the document and draft it again.",
    "no_event_types": "Put event types in force first: dukao types apply FILE.",
    "not_found": "See what there is: dukao standings, dukao scheme list, dukao types list.",
    "not_halted": "See which shards are halted, and where: dukao lag.",
    "not_skippable": "Read its records from the archive: dukao consumers retry CONSUMER --reason WHY.",
    "digest_changed": "See which content halts the shard: dukao lag --output json.",
    "already_asked": "See the order that waits: dukao consumers orders.",
    "not_paused": "Pause them first: dukao consumers pause CONSUMER --reason WHY.",
    "chain_parts": "What was published stays published: find the change of the program that parts from it.",
    "already_approved": "Another person must do this; in development --as names one.",
    "extension_too_late": "The due time has passed; see it and what is possible: dukao items show ITEM.",
    "changed_meanwhile": "Read it again: dukao items show ITEM.",
    "item_exists": "Leave --name out, or take another.",
    "url": "Name a host by https and port 443 or at least 1024: dukao webhooks add --help.",
    "webhook_exists": "See it, or make a new secret for it: dukao webhooks show, dukao webhooks rotate.",
    "webhook_off": "Let it be sent to again: dukao webhooks resume CODE --reason WHY.",
    "too_many_secrets": "End the old ones: dukao webhooks rotate CODE --keep-old-hours 0.",
    "not_assessor": "A person of the indicator's assessor must do this; the token's unit says whose that is.",
    "closer_alone": "Use an account that has the role closer alone; dukao close has one in development.",
    "cut_open": "See what is lacking: dukao close show SCHEME PERIOD, dukao close waits SCHEME.",
    "stale": "Read it again: dukao close show SCHEME PERIOD.",
    "mismatch_open": "Send what is missing, or two accept what dukao close show SCHEME PERIOD prints.",
    "close_asked": "See the request that waits: dukao close list --state asked.",
    "not_closed": "See which standings are closed: dukao standings.",
    "same_evidence": "See what rests on it already: dukao points list.",
    "value_stands": "Withdraw the value that stands first: dukao points withdraw REQUEST --reason WHY.",
    "expired": "Ask again: dukao consumers skip --help.",
    "scheme_refused": "Check the file for lines and reasons: dukao scheme check FILE.",
    "rules_refused": "Check the file for lines and reasons: dukao rules check FILE.",
    "catalogue": "Check the file for lines and reasons: dukao types check FILE.",
}
FINDINGS_SHOWN = 20
RETRY_ADVICE = "Try again in a moment; dukao status and dukao logs show how the parts are."


@dataclass(frozen=True, slots=True)
class Failure:
    """How a command ends that could not do what was asked."""

    exit: Exit
    message: str
    advice: Sequence[str] = ()


LOOK = "See how the parts are: dukao status, dukao logs."
START = "Start the platform: dukao up. What the machine lacks: dukao doctor."
PLAIN: Mapping[type[Exception], tuple[Exit, Sequence[str]]] = {
    AwayError: (Exit.NOT_RUNNING, (LOOK,)),
    FailedError: (Exit.FAILED, (LOOK,)),
    NotRunningError: (Exit.NOT_RUNNING, (START, LOOK)),
    SilentError: (Exit.NOT_RUNNING, (LOOK,)),
    UnreadableError: (Exit.INVALID, ()),
}
EXPECTED = (*PLAIN, MissingError, OSError, OtherPlatformError, Refused, RefusedError, StandstillError)


def failure_of(error: Exception) -> Failure:
    """Return the end that belongs to an expected error."""
    match error:
        case RefusedError():
            return _refused(error)
        case Refused():
            return Failure(Exit.REFUSED, f"{error.problem.detail} ({error.problem.code})")
        case StandstillError():
            return Failure(Exit.FAILED, str(error), error.advice)
        case OtherPlatformError() | MissingError() | OSError():
            return _of_the_machine(error)
        case _:
            code, advice = PLAIN[type(error)]
            return Failure(code, str(error), advice)


class Reporting(GroupPage):
    """The root of all commands: an expected error ends with its message and never with a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the line names."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # who reads the output has enough; click ends quietly
            raise
        except EXPECTED as error:
            failure = failure_of(error)
            complain(failure.message, *failure.advice)
            raise typer.Exit(failure.exit) from None


def _of_the_machine(error: OtherPlatformError | MissingError | OSError) -> Failure:
    """Return the end of a command whose files cannot be read or written, or that the machine lets down."""
    if isinstance(error, OtherPlatformError):
        return Failure(Exit.USAGE, error.what, (error.remedy,))
    if isinstance(error, MissingError):
        return Failure(Exit.MISSING, error.what, (error.remedy, "All checks: dukao doctor."))
    reason = error.strerror or type(error).__name__
    if error.filename is None:
        return Failure(Exit.FAILED, f"{reason}.", (LOOK,))
    return Failure(Exit.USAGE, f"{error.filename}: {reason}.")


def _refused(error: RefusedError) -> Failure:
    place = f" at {error.pointer}" if error.pointer else ""
    findings = [f"{one['path']} {one['code']}: {one['reason']}" for one in error.findings[:FINDINGS_SHOWN]]
    findings += [f"possible now: {', '.join(error.possible)}"] if error.possible else []
    retry = error.status in {429, 503}
    advice = RETRY_ADVICE if retry else ADVICE.get(error.code, "")
    return Failure(
        Exit.REFUSED,
        f"{error.service} refused: {error.detail} ({error.code}{place})",
        [*findings, *([advice] if advice else [])],
    )
