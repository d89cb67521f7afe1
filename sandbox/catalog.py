"""The catalog: tables, functions and views of Redshift's that PostgreSQL lacks.

They lie in `pg_catalog`, which every search path has, and in `template1`, so that every
database made later has them too.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from .cluster import DATABASE, USER

if TYPE_CHECKING:
    from .postgres import Postgres

SCRIPTS = ("tables.sql", "functions.sql", "ddl_events.sql", "views.sql", "load_views.sql")


def install(postgres: Postgres) -> None:
    """Install the catalog in a new cluster, and make its database and first user."""
    template = postgres.connect("template1")
    try:
        template.query("SET allow_system_table_mods = on; SET client_min_messages = warning")
        for script in SCRIPTS:
            template.query(files(__package__).joinpath("catalog_sql", script).read_text())
        # Redshift's first user is a superuser (AWS: r_superusers), who may end other sessions.
        template.query(f"CREATE USER {USER} SUPERUSER CREATEDB CREATEROLE")
    finally:
        template.close()
    administrator = postgres.connect("postgres")
    try:
        administrator.query(f"CREATE DATABASE {DATABASE} OWNER {USER}")
        # Every user may use "public" in Redshift (AWS: r_Schemas_and_tables).
    finally:
        administrator.close()
