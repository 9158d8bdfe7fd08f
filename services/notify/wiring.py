"""The parts of notify, put together."""

import ssl
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Self

from pydantic import Field, IPvAnyNetwork, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.notify.api import checking_router, inbox_router, rules_router
from services.notify.contract import (
    CLOSES,
    CONSUMER,
    DELIVERIES,
    ITEMS,
    NOTICES,
    SCHEMES,
    STANDINGS,
    STREAMS,
    SURVEYS,
)
from services.notify.domain.networks import WIDEST_ALLOWED
from services.notify.gateway import Gateway, Resolver
from services.notify.handlers import Notify
from services.notify.sending import Sender
from services.notify.webhooks import acts_router, deliveries_router, webhooks_router
from shared.runtime.rebuilding import Commanded
from shared.runtime.service import Frame, Service
from shared.runtime.settings import ServiceSettings

NAME = "notify"
REST_S = 0.25  # persons read what comes of it: fewer batches cost less
COMMANDED = Commanded(
    tables=("rules", "sign_offs", "webhooks", "webhook_secrets", "deliveries", "attempts"),
    streams=(DELIVERIES,),
)


class WebhookSettings(BaseSettings):
    """Where webhooks may be sent besides the open internet: variables `DUKAO_WEBHOOK_*`."""

    model_config = SettingsConfigDict(env_prefix="DUKAO_WEBHOOK_", frozen=True)

    networks: tuple[IPvAnyNetwork, ...] = Field(
        default=(),
        description="Networks of this installation whose hosts may be receivers, as a JSON list of CIDRs.",
    )
    hosts: dict[str, IPv4Address | IPv6Address] = Field(
        default={},
        description="Names that no DNS knows and their addresses, as a JSON object; all are judged.",
    )
    ca_file: Path | None = Field(
        default=None, description="Who signs the receivers' certificates; left out: whom the machine trusts."
    )

    @model_validator(mode="after")
    def _narrow(self) -> Self:
        """Refuse a network so wide that nothing would be denied."""
        wide = [str(one) for one in self.networks if one.prefixlen < WIDEST_ALLOWED[one.version]]
        if wide:
            raise ValueError(f"DUKAO_WEBHOOK_NETWORKS: {', '.join(wide)} is too wide; name networks of yours")
        return self

    def gateway(self) -> Gateway:
        """Return the way to receivers."""
        resolve = Resolver({name.lower(): str(address) for name, address in self.hosts.items()})
        trust = ssl.create_default_context(cafile=self.ca_file)
        return Gateway(resolve, self.networks, trust)


OPEN_INTERNET = WebhookSettings.model_construct()


def build(settings: ServiceSettings, webhooks: WebhookSettings = OPEN_INTERNET) -> Service:
    """Put notify together."""
    frame = Frame(NAME, settings)
    consumer = frame.consumer(
        CONSUMER, (NOTICES, ITEMS, STANDINGS, CLOSES, SCHEMES, SURVEYS), Notify, rest_s=REST_S
    )
    gateway = webhooks.gateway()
    sender = Sender(frame.exchange, gateway, settings.worker)
    return frame.service(
        streams=STREAMS,
        routers=[
            rules_router(frame.exchange),
            checking_router(),
            inbox_router(frame.exchange),
            webhooks_router(frame.exchange, gateway),
            acts_router(frame.exchange),
            deliveries_router(frame.exchange),
        ],
        parts=[consumer.run, sender.run],
        commanded=COMMANDED,
    )
