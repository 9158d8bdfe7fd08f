"""Asks what our user may do with topics: version 8 of Kafka's Metadata, which aiokafka does not have."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, TypeAlias

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import TopicAuthorizationFailedError, UnknownTopicOrPartitionError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String


class Operation(IntEnum):
    """What a user may do with a topic; the numbers are Kafka's."""

    READ = 3
    WRITE = 4
    CREATE = 5


Rights: TypeAlias = Mapping[str, frozenset[Operation]]

EVERYTHING = frozenset(Operation)

_BROKER = Array(("id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8")))
_PARTITION = Array(
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", Array(Int32)),
    ("isr", Array(Int32)),
    ("offline_replicas", Array(Int32)),
)
_TOPIC = Array(
    ("error_code", Int16),
    ("topic", String("utf-8")),
    ("is_internal", Boolean),
    ("partitions", _PARTITION),
    ("operations", Int32),
)


class _Metadata(Response):
    API_KEY = 3  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    API_VERSION = 8  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", _BROKER),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        ("topics", _TOPIC),
        ("cluster_operations", Int32),
    )


class _AskMetadata(RequestStruct):
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _Metadata
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_operations", Boolean),
        ("include_topic_operations", Boolean),
    )


class _Question(Request[_AskMetadata]):
    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = list(topics)

    def build(self, request_struct_class: type[_AskMetadata]) -> _AskMetadata:
        make_topic = cluster_operations = False
        topic_operations = True
        return request_struct_class(self._topics, make_topic, cluster_operations, topic_operations)


async def rights(connection: AIOKafkaConnection, topics: Sequence[str]) -> Rights:
    """Return what our user may do with each topic; one that is not there refuses nothing."""
    answer: Any = await connection.send(_Question(topics))
    return {topic: _operations(code, bits) for code, topic, _, _, bits in answer.topics}


def _operations(code: int, bits: int) -> frozenset[Operation]:
    if code == UnknownTopicOrPartitionError.errno:
        return EVERYTHING
    if code == TopicAuthorizationFailedError.errno:
        return frozenset()
    return frozenset(operation for operation in Operation if bits >> operation & 1)
