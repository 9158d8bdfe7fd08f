"""Writes the documents that are generated from code: OpenAPI, AsyncAPI, schemas for editors, pages."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from dukao import alerts_page, event_page, rights_page
from services.ingest.domain import mapping_document
from services.ingest.domain.catalogue import CatalogueDocument
from services.notify.domain.document import RulesDocument
from services.scoring.domain import document
from services.supervision.domain import calendar_document, machine
from shared.contracts import asyncapi
from shared.runtime.settings import ServiceSettings
from shared.web.app import openapi_of

SERVICES = ("ingest", "scoring", "supervision", "ranking", "notify")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path(__file__).resolve().parents[1] / "docs"


def documents() -> dict[str, Any]:
    """Return every generated document by its path below `docs/`."""
    apps = {name: app_of(name) for name in SERVICES}
    built = {f"openapi/{name}.json": openapi_of(app) for name, app in apps.items()}
    pages = {
        "alerts.md": alerts_page.page(),
        "items-machine.md": machine.page(),
        "events.md": event_page.page(),
        "rights.md": rights_page.page(apps),
    }
    return built | {"asyncapi.json": asyncapi.document()} | pages | _schemas()


def app_of(service: str) -> FastAPI:
    """Return the door of a service as it is described; nothing behind it is reached."""
    settings = ServiceSettings(
        database_url=SecretStr("postgresql+asyncpg://nobody@127.0.0.1/none"),
        kafka="127.0.0.1:9",
        port=0,
        worker="1",
        jwks_file=Path("jwks.json"),
        issuer="none",
    )
    return import_module(f"services.{service}.wiring").build(settings).app


def text_of(built: Any) -> str:
    """Return a document as it stands in the repository: a page as it is, anything else as JSON."""
    if isinstance(built, str):
        return built
    return json.dumps(built, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write() -> None:
    """Write every document."""
    for path, built in documents().items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(text_of(built), "utf-8")


def _schemas() -> dict[str, Any]:
    """Return the JSON Schemas of the documents that people write, by which an editor completes and checks."""
    return {
        "schemas/scheme.json": document.json_schema(),
        "schemas/types.json": {"$schema": DIALECT} | CatalogueDocument.model_json_schema(),
        "schemas/calendar.json": calendar_document.json_schema(),
        "schemas/mapping.json": mapping_document.json_schema(),
        "schemas/rules.json": {"$schema": DIALECT} | RulesDocument.model_json_schema(),
    }


if __name__ == "__main__":
    write()
