"""Run notify as a process."""

from services.notify.wiring import NAME, WebhookSettings, build
from shared.runtime.service import run
from shared.runtime.settings import ServiceSettings

if __name__ == "__main__":
    settings = ServiceSettings.model_validate({})
    run(build(settings, WebhookSettings()), NAME, settings)
