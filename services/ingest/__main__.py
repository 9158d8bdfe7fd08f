"""Run ingest as a process."""

from services.ingest.wiring import NAME, build
from shared.runtime.service import run
from shared.runtime.settings import ServiceSettings

if __name__ == "__main__":
    settings = ServiceSettings.model_validate({})
    run(build(settings), NAME, settings)
