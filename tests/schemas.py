"""Schemas of a service for one test each: the first is migrated, and its statements make the others at once."""

import re

from sqlalchemy import event

from shared.migrations.runner import migrate

_MADE: dict[str, tuple[str, str]] = {}


async def make_schema(engine, schema, package):
    """Make a schema as the migrations of a package leave it."""
    if package in _MADE:
        first, script = _MADE[package]
        async with engine.connect() as connection:
            opened = await connection.get_raw_connection()
            await opened.driver_connection.execute(re.sub(rf"\b{first}\b", schema, script))
        return
    statements = []

    def keep(_connection, _cursor, statement, parameters, *_):
        if not parameters:
            statements.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", keep)
    await migrate(engine, schema, package)
    event.remove(engine.sync_engine, "before_cursor_execute", keep)
    _MADE[package] = schema, ";\n".join(statements)
