"""Starts bqemulator, with what it lacks of BigQuery and our loads rely on. Runs in an environment of its own.

    build/bqemulator/bin/python tests/emulators/bigquery_server.py start --rest-port 9050 ...

Each correction names what BigQuery does. None makes a call succeed that BigQuery would refuse.
"""

import json
import sys

import bqemulator.server
import sqlglot
from bqemulator.api.routes import jobs, tables, upload
from bqemulator.cli import main
from bqemulator.domain.errors import ResourceRef, resource_already_exists
from bqemulator.jobs import executor
from bqemulator.scripting import interpreter
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.storage.sql_identifiers import quoted_table_ref
from bqemulator.storage.type_map import bq_schema_to_duckdb_columns

_ENGINES = []
_NAMES = []


# GEOGRAPHY and Avro need extensions that DuckDB would download; none of our tables has either.
def _start_without_extensions(engine):
    _ENGINES.append(engine)


DuckDBEngine._load_spatial = _start_without_extensions
DuckDBEngine._load_format_extensions = lambda self: None


# A job id is used once: BigQuery answers 409 when a job of that id exists, whatever became of it.
def _refuse_known(project, job_id, ctx):
    if ctx.catalog.get_job(project, job_id) is not None:
        raise resource_already_exists(ResourceRef("job", project, "", job_id))


_query, _load = jobs._handle_query_job, jobs._handle_load_job_with_async_envelope


async def _query_once(project_id, job_id, config, *, ctx, **rest):
    if not rest.get("dry_run"):
        _refuse_known(project_id, job_id, ctx)
    return await _query(project_id, job_id, config, ctx=ctx, **rest)


async def _load_once(project_id, job_id, config, ctx):
    _refuse_known(project_id, job_id, ctx)
    return await _load(project_id, job_id, config, ctx)


jobs._handle_query_job, jobs._handle_load_job_with_async_envelope = _query_once, _load_once


# Google's client sends a small file as */*.
upload._PERMITTED_MEDIA_CONTENT_TYPES = (*upload._PERMITTED_MEDIA_CONTENT_TYPES, "*/*")


# An upload runs under the job id that it was given. The emulator reads no further than the configuration.
_configuration, _run = upload._load_configuration_from_envelope, upload._run_load


def _configuration_with_id(envelope):
    found = _configuration(envelope)
    job_id = (envelope.get("jobReference") or {}).get("jobId")
    return {**found, "labels": {**found.get("labels", {}), "_job_id": job_id}} if job_id else found


async def _run_named(*, project_id, configuration, media_path, ctx):
    labels = dict(configuration.get("labels") or {})
    job_id = labels.pop("_job_id", None)
    if job_id is not None:
        _refuse_known(project_id, job_id, ctx)
        _NAMES.append(job_id)
    return await _run(
        project_id=project_id, configuration={**configuration, "labels": labels}, media_path=media_path, ctx=ctx
    )


_new_id = upload._new_job_id
upload._load_configuration_from_envelope, upload._run_load = _configuration_with_id, _run_named
upload._new_job_id = lambda: _NAMES.pop() if _NAMES else _new_id()


# A patch of the schema adds the new columns to the table, and a read of a view shows its query.
_to_meta, _to_rest = tables._rest_to_table_meta, tables._table_to_rest


def _meta_and_columns(project_id, dataset_id, body, clock, existing=None):
    made = _to_meta(project_id, dataset_id, body, clock, existing)
    if existing is not None and existing.table_type == "TABLE":
        known = {f.name for f in existing.schema_.fields}
        fresh = [tables._field_to_rest(f) for f in made.schema_.fields if f.name not in known]
        target = quoted_table_ref(project_id, dataset_id, existing.table_id)
        for name, kind in bq_schema_to_duckdb_columns(fresh):
            _ENGINES[-1].execute(f'ALTER TABLE {target} ADD COLUMN "{name}" {kind}')
    return made


def _rest_with_query(meta):
    body = _to_rest(meta)
    if meta.view_query:
        body["view"] = {"query": meta.view_query, "useLegacySql": False}
    return body


tables._rest_to_table_meta, tables._table_to_rest = _meta_and_columns, _rest_with_query


# A patch with the etag of another version is refused (412). The emulator does not look at If-Match.
class _Versions:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        wanted = dict(scope.get("headers", ())).get(b"if-match")
        parts = scope.get("path", "").split("/")
        if scope["type"] == "http" and scope["method"] in ("PATCH", "PUT") and wanted and parts[-2] == "tables":
            found = scope["app"].state.context.catalog.get_table(parts[4], parts[6], parts[8])
            if found is not None and found.etag.encode() != wanted:
                body = json.dumps({"error": {"code": 412, "message": "Precondition check failed.", "errors": []}})
                head = [(b"content-type", b"application/json")]
                await send({"type": "http.response.start", "status": 412, "headers": head})
                await send({"type": "http.response.body", "body": body.encode()})
                return
        await self.app(scope, receive, send)


_create_app = bqemulator.server.create_app


def _app_with_versions(context):
    app = _create_app(context)
    app.add_middleware(_Versions)
    return app


bqemulator.server.create_app = _app_with_versions


# Parquet columns are matched by name, and those that the file lacks are NULL. The emulator goes by position.
def _parquet_by_name(path, target, ctx):
    ctx.engine.execute(f"INSERT INTO {target} BY NAME SELECT * FROM read_parquet(?)", [path])


executor._LOAD_FORMAT_HANDLERS["PARQUET"] = _parquet_by_name


# TRUNCATE TABLE in a transaction is taken back with it.
_targets = interpreter._dml_targets


def _targets_and_truncated(sql, project):
    tree = sqlglot.parse_one(sql, read="bigquery")
    if isinstance(tree, sqlglot.exp.TruncateTable):
        (table,) = tree.expressions
        return [f'"{table.catalog or project}__{table.db}"."{table.name}"']
    return _targets(sql, project)


interpreter._dml_targets = _targets_and_truncated

if __name__ == "__main__":
    sys.exit(main())
