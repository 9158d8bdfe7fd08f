"""Who may do what with which topic, from the table of streams; `python -m deploy.access` prints it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.protocol.admin import CreateAclsRequest

from deploy.table import SERVICES
from services.ingest.domain.binding import TOPIC_PREFIX, topic_of
from shared.contracts.catalogue import STREAM_OWNERS, STREAM_READERS
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_login import connected
from shared.messaging.kafka_rights import Operation

TOPIC, LITERAL, PREFIXED, ALLOW = 2, 3, 4, 3  # numbers of Kafka's protocol
EVERYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Right:
    """One entry of the brokers' access list; `prefixed` stands for every topic that begins so."""

    user: str
    operation: Operation
    topic: str
    prefixed: bool = False


def rights_of(service: str) -> tuple[Right, ...]:
    """Return what a service needs: its inputs read, its own streams written, ingest's inbound topics made."""
    reads = [Right(service, Operation.READ, stream) for stream in STREAM_READERS.get(service, ())]
    writes = [
        Right(service, Operation.WRITE, stream) for stream, owner in STREAM_OWNERS.items() if owner == service
    ]
    inbound = [
        Right(service, operation, TOPIC_PREFIX, prefixed=True)
        for operation in (Operation.READ, Operation.CREATE)
        if service == "ingest"
    ]
    return (*reads, *writes, *inbound)


def rights_of_source(source: str) -> tuple[Right, ...]:
    """Return the one right of a source, whose user has the name of its topic."""
    topic = topic_of(source)
    return (Right(topic, Operation.WRITE, topic),)


def commands(rights: Iterable[Right]) -> Iterator[str]:
    """Yield the rights as an operator of a cluster gives them."""
    for right in rights:
        pattern = " --resource-pattern-type prefixed" if right.prefixed else ""
        yield (
            'kafka-acls.sh --bootstrap-server "$KAFKA" --command-config admin.properties --add '
            f"--allow-principal User:{right.user} --operation {right.operation.name.title()} "
            f"--topic {right.topic}{pattern}"
        )


async def grant(access: KafkaAccess, rights: Sequence[Right]) -> None:
    """Give the rights as a user who may; what is there already stays as it is."""
    async with connected(access) as connection:
        for right in rights:
            answer: Any = await connection.send(_entry(right))
            for code, message in answer.creation_responses:
                if code:
                    raise RuntimeError(f"Kafka did not give {right}: {code} {message}")


def _entry(right: Right) -> CreateAclsRequest:
    pattern = PREFIXED if right.prefixed else LITERAL
    return CreateAclsRequest(
        TOPIC, right.topic, pattern, f"User:{right.user}", EVERYWHERE, right.operation.value, ALLOW
    )


if __name__ == "__main__":
    for service in SERVICES:
        print("\n".join(commands(rights_of(service.name))))  # noqa: T201 - it is what it is called for
