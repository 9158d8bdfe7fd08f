"""A broker that shows a certificate: who trusts its authority reads and writes, anybody else is told what to do."""

import asyncio
from dataclasses import replace

import pytest
from aiokafka.errors import KafkaConnectionError

from deploy.embedded.kafka import START_S, launch_kafka
from deploy.embedded.kafka_users import ADMIN
from deploy.processes import wait_until
from deploy.table import kafka_environment
from shared.kernel.errors import Unavailable
from shared.kernel.records import Record
from shared.kernel.shards import partition_of
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_broker import KafkaProducer, KafkaSubscription, ensure_topics
from shared.messaging.kafka_login import Login
from shared.runtime.settings import KafkaSettings
from tests.conftest import servers_folder
from tests.notify.receivers import new_authority
from tests.waiting import becomes

pytestmark = pytest.mark.kafka

STREAM, SHARD = "tls.things", 7
HOST, OTHER_NAME = "127.0.0.1", "localhost"
TRUSTED_REMEDY = "Name who signed it in DUKAO_KAFKA_CA_FILE, and the brokers in DUKAO_KAFKA as it names them."


@pytest.fixture(scope="module")
def broker():
    """The access of the administrator to a broker whose certificate names HOST and nothing else."""
    with servers_folder() as folder:
        authority, password = new_authority(folder), folder / "password"
        password.write_text("a-password-of-a-test")
        certificate, key = authority.issue(HOST)
        shown = folder / "shown.pem"
        shown.write_bytes(key.read_bytes() + certificate.read_bytes())
        changed = {
            "listener.security.protocol.map": "BROKER:SASL_SSL,CONTROLLER:SASL_PLAINTEXT",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(shown),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(authority.file),
        }
        running = launch_kafka(folder, changed=changed, passwords={ADMIN: password.read_text()})
        try:
            wait_until(running.ready, running.process, START_S, running.log)
            yield KafkaAccess(running.bootstrap, "SASL_SSL", authority.file, "SCRAM-SHA-512", ADMIN, password)
        finally:
            running.stop()


@pytest.fixture
def settled(broker, monkeypatch):
    """The same access, as a service reads it from its settings."""
    for name, value in kafka_environment(broker).items():
        monkeypatch.setenv(name, value)
    return KafkaSettings.model_validate({}).access()


@pytest.fixture
def strangers_file(tmp_path):
    """The certificate of an authority that signed nothing here."""
    return new_authority(tmp_path).file


def elsewhere(access):
    return replace(access, bootstrap=access.bootstrap.replace(HOST, OTHER_NAME))


async def refusal(access):
    """Return what a service says of brokers that it does not trust."""
    login = Login(access, reads=[STREAM], writes=[STREAM])

    async def told():
        return not await login.look() and login.refusal

    return await becomes(told)


async def test_with_the_authority_of_its_settings_a_service_is_let_in_and_reads_what_it_wrote(settled):
    await ensure_topics(settled, [STREAM])
    await becomes(Login(settled, reads=[STREAM], writes=[STREAM]).look)
    sent = [Record(STREAM, SHARD, n, b"c" * 32, b'{"n":%d}' % n) for n in (1, 2, 3)]
    producer, subscription = KafkaProducer(settled), KafkaSubscription(settled)
    try:
        await producer.send(sent)
        await subscription.assign({(STREAM, partition_of(SHARD)): 0})
        async with asyncio.timeout(60):
            found = []
            while len(found) < len(sent):
                found += await subscription.poll(10)
    finally:
        await producer.close()
        await subscription.close()
    assert [(one.shard, one.number, one.body) for one in found] == [
        (one.shard, one.number, one.body) for one in sent
    ]


async def test_a_certificate_of_another_authority_is_refused_and_said(broker, strangers_file):
    stranger = replace(broker, ca_file=strangers_file)
    found = await refusal(stranger)
    assert found.reason.startswith("the certificate is not to be trusted: ")
    assert found.remedy == TRUSTED_REMEDY
    with pytest.raises(KafkaConnectionError):
        await ensure_topics(stranger, ["tls.never"])
    producer = KafkaProducer(stranger)
    try:
        with pytest.raises(Unavailable):
            await producer.send([Record(STREAM, SHARD, 1, b"c" * 32, b"{}")])
    finally:
        await producer.close()


async def test_without_the_authority_of_the_settings_the_machine_trusts_it_no_more(broker):
    found = await refusal(replace(broker, ca_file=None))
    assert found.reason.startswith("the certificate is not to be trusted: ")
    assert found.remedy == TRUSTED_REMEDY


async def test_a_certificate_of_another_name_is_refused_and_said(broker):
    found = await refusal(elsewhere(broker))
    assert "not valid for 'localhost'" in found.reason
    assert found.remedy == TRUSTED_REMEDY
    with pytest.raises(KafkaConnectionError):
        await ensure_topics(elsewhere(broker), ["tls.never"])


async def test_a_password_that_is_wrong_is_refused_and_said_behind_the_certificate_too(broker, tmp_path):
    wrong = tmp_path / "password"
    wrong.write_text("another")
    found = await refusal(replace(broker, password_file=wrong))
    assert "SaslAuthenticationFailed" in found.reason
    assert str(wrong) in found.remedy
