"""Lets a source's user in to the broker of this machine: it may write the source's topic, no other."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from deploy.access import grant, rights_of_source
from deploy.control import running
from deploy.embedded.kafka import make_user
from deploy.embedded.kafka_users import ADMIN
from deploy.platform import kafka_access
from deploy.state import OtherPlatformError, State
from services.ingest.domain.binding import topic_of


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a source needs to know."""

    bootstrap: str
    protocol: str
    mechanism: str
    user: str
    password_file: Path
    topic: str


def admit(state: State, source: str) -> Admitted:
    """Make the source's user with its one right; one that is there is given the password it had."""
    record = running(state)
    if not record.options.secure:
        raise OtherPlatformError(
            "The platform runs without --secure, so everybody may write every topic.",
            "Start another with dukao up --secure.",
        )
    topic, port = topic_of(source), record.part("kafka").port
    password = state.password(f"kafka-{topic}")
    make_user(
        state.folder,
        port,
        state.password(f"kafka-{ADMIN}"),
        topic,
        password,
        java=record.options.java,
    )
    asyncio.run(grant(kafka_access(state, port, ADMIN, secure=True), rights_of_source(source)))
    access = kafka_access(state, port, topic, secure=True)
    assert access.password_file is not None
    return Admitted(access.bootstrap, access.security, access.mechanism, topic, access.password_file, topic)
