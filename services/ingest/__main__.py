"""Run ingest as a process."""

from services.ingest.wiring import NAME, build
from shared.runtime.process import serve
from shared.runtime.settings import ServiceSettings
from shared.telemetry.logs import configure

if __name__ == "__main__":
    settings = ServiceSettings.model_validate({})
    configure(NAME, settings.log_level)
    service = build(settings)
    serve(service.app, settings.host, settings.port, service.parts, service.closing)
