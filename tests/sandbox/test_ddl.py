"""Tables as Redshift makes them."""

from __future__ import annotations

import pytest


def test_keys_and_encodings_are_taken_and_shown(client, name):
    client.run(
        f"""create table if not exists {name} (
              id bigint identity(1, 1) distkey,
              day date not null sortkey encode az64,
              label varchar(10) default 'a, b' encode zstd, -- a comment, with a comma
              amount decimal(12, 2) null
            ) backup no"""
    )
    assert client.run(
        f'select "column", type, encoding, distkey, sortkey, "notnull" from pg_table_def'
        f" where tablename = '{name}'"
    ) == [
        ("id", "bigint", "none", True, 0, True),
        ("day", "date", "az64", False, 1, True),
        ("label", "character varying(10)", "zstd", False, 0, False),
        ("amount", "numeric(12,2)", "none", False, 0, False),
    ]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("diststyle all", [(False, 0), (False, 0)]),
        ("diststyle key distkey(a) compound sortkey(b, a)", [(True, 2), (False, 1)]),
        ("distkey(b) interleaved sortkey(a, b)", [(False, 1), (True, -2)]),
        ("diststyle even sortkey auto encode auto", [(False, 0), (False, 0)]),
    ],
)
def test_table_attributes_are_remembered(client, name, attributes, expected):
    client.run(f"create table {name} (a int, b int) {attributes}")
    found = client.run(
        f"select distkey, sortkey from svv_redshift_columns where table_name = '{name}'"
        " order by ordinal_position"
    )
    assert found == expected


def test_a_key_on_a_column_that_is_not_there_is_refused(client, name):
    assert client.fails(f"create table {name} (a int) distkey(b)")["C"] == "42703"
    assert client.fails(f"create table {name} (a int) sortkey(b)")["C"] == "42703"


def test_constraints_are_accepted_and_not_enforced(client, name):
    client.run(f"create table {name}p (a int primary key)")
    client.run(
        f"""create table {name} (a int unique, b int references {name}p (a), c int,
            constraint pk primary key (a), unique (b), foreign key (c) references {name}p (a))"""
    )
    client.run(f"insert into {name} values (1, 7, 7), (1, 7, 7)")
    client.run(f"alter table {name} add constraint again primary key (c)")
    assert client.run(f"select count(*) from {name}") == [(2,)]
    assert (
        client.fails(f"insert into {name}p values (null)")["M"]
        == "Cannot insert a NULL value into column a"
    )


def test_varchar_is_counted_in_bytes_on_insert_too(client, name):
    client.run(f"create table {name} (a varchar(5))")
    client.run(f"insert into {name} values ('ééa')")
    fields = client.fails(f"insert into {name} values ('ééé')")
    assert (fields["C"], fields["M"]) == ("22001", "value too long for type character varying(5)")


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("varchar(max)", "character varying(65535)"),
        ("character varying(max)", "character varying(65535)"),
        ("varchar", "character varying(256)"),
        ("text", "character varying(256)"),
        ("nvarchar(12)", "character varying(12)"),
        ("numeric", "numeric(18,0)"),
        ("decimal(38, 10)", "numeric(38,10)"),
        ("float", "double precision"),
        ("bool", "boolean"),
        ("timestamptz", "timestamp with time zone"),
        ("time", "time without time zone"),
        ("super", "super"),
        ("varbyte(100)", "varbyte"),
        ("binary varying", "varbyte"),
    ],
)
def test_types_are_stored_as_redshift_stores_them(client, name, written, stored):
    client.run(f"create table {name} (a {written} not null)")
    assert client.run(f"select type from pg_table_def where tablename = '{name}'") == [(stored,)]


@pytest.mark.parametrize(
    "type_", ["jsonb", "uuid", "integer[]", "bytea", "json", "inet", "money", "xml", "bit(3)"]
)
def test_types_that_redshift_lacks_are_refused(client, name, type_):
    fields = client.fails(f"create table {name} (a int, c {type_})")
    assert fields["C"] == "0A000"
    assert fields["M"] == f'Column "{name}.c" has unsupported type "{type_}"'


def test_serial_is_refused(client, name):
    assert (
        client.fails(f"create table {name} (c serial)")["M"]
        == f'Column "{name}.c" has unsupported type "serial"'
    )


def test_a_type_that_redshift_lacks_is_refused_in_create_table_as_and_alter_table(client, name):
    assert client.fails(f"create table {name} as select '{{}}'::jsonb as c")["C"] == "0A000"
    client.run(f"create table {name} (a int)")
    assert client.fails(f"alter table {name} add column c uuid")["C"] == "0A000"


def test_create_table_as_keeps_its_attributes_and_lengths(client, name):
    client.run(f"create table {name} (a int, b varchar(3))")
    client.run(f"insert into {name} values (1, 'x')")
    client.run(
        f"create table {name}c distkey(a) sortkey(b) as select a, b, 'text' as c from {name}"
    )
    assert client.run(
        f"select type, distkey, sortkey from pg_table_def where tablename = '{name}c'"
    ) == [
        ("integer", True, 0),
        ("character varying(3)", False, 1),
        ("character varying(65535)", False, 0),
    ]
    assert client.fails(f"insert into {name}c values (1, 'éé', '')")["C"] == "22001"


def test_like_copies_types_not_null_and_keys(client, name):
    client.run(f"create table {name} (a int not null distkey, b varchar(3) default 'q' sortkey)")
    client.run(f"create temp table {name}l (like {name})")
    assert client.run(
        f"select type, distkey, sortkey, \"notnull\" from pg_table_def where tablename = '{name}l'"
    ) == [("integer", True, 0, True), ("character varying(3)", False, 1, False)]
    assert client.fails(f"insert into {name}l values (1, 'éé')")["C"] == "22001"
    client.run(f"insert into {name}l (a) values (1)")
    assert client.run(f"select b from {name}l") == [(None,)]


def test_a_hash_makes_a_temporary_table(client, connect, name):
    client.run(f"create table #{name} (a int)")
    client.run(f"insert into #{name} values (1)")
    assert client.run(f"select a from #{name} where a # 1 = 0") == [(1,)]
    assert connect().fails(f"select * from #{name}")["C"] == "42P01"


def test_names_are_folded_even_in_quotes(client, name):
    client.run(f'create table "{name.upper()}" ("Mixed Case" int)')
    assert client.run(f'select "MIXED CASE" from {name}') == []
    assert client.run(f"select column_name from svv_columns where table_name = '{name}'") == [
        ("mixed case",)
    ]


def test_case_sensitive_identifiers_can_be_switched_on(client, name):
    assert client.run("show enable_case_sensitive_identifier") == [("off",)]
    client.run("set enable_case_sensitive_identifier to true")
    assert client.run("show enable_case_sensitive_identifier") == [("on",)]
    client.run(f'create table {name} ("Mixed" int)')
    assert client.fails(f"select mixed from {name}")["C"] == "42703"
    client.run("reset enable_case_sensitive_identifier")
    assert client.fails(f'select "Mixed" from {name}')["C"] == "42703"


def test_a_name_that_postgres_would_cut_is_refused_and_not_cut(client):
    fields = client.fails(f"create table {'a' * 64} (a int)")
    assert fields["C"] == "0A000"
    assert "limit of the sandbox, not of Redshift" in fields["M"]
    assert client.fails(f'select 1 as "{"é" * 32}"')["C"] == "0A000"
    assert client.run(f"select '{'a' * 200}'") == [("a" * 200,)]


def test_columns_are_added_one_at_a_time(client, name):
    client.run(f"create table {name} (a int)")
    client.run(f"alter table {name} add column b varchar(7) default 'x' encode lzo")
    assert client.fails(f"alter table {name} add column c int, add column d int")["C"] == "42601"
    assert client.fails(f"alter table {name} add column if not exists c int")["C"] == "42601"
    assert client.fails(f"alter table {name} add column c int not null")["C"] == "0A000"
    assert client.run(
        f"select \"column\", encoding from pg_table_def where tablename = '{name}'"
    ) == [
        ("a", "none"),
        ("b", "lzo"),
    ]


def test_a_varchar_is_widened_outside_a_transaction_only(connect, client, name):
    client.run(f"create table {name} (a varchar(2))")
    client.run(f"alter table {name} alter column a type varchar(4)")
    client.run(f"insert into {name} values ('éé')")
    assert (
        client.fails(f"insert into {name} values ('ééa')")["M"]
        == "value too long for type character varying(4)"
    )
    assert client.fails(f"alter table {name} alter column a type varchar(3)")["C"] == "0A000"
    assert client.fails(f"alter table {name} alter column b type varchar(9)")["C"] == "42703"
    inside = connect(autocommit=False)
    fields = inside.fails(f"alter table {name} alter column a type varchar(9)")
    assert fields["C"] == "25001"
    assert fields["M"] == "ALTER TABLE ALTER COLUMN cannot run inside a transaction block"


def test_facts_are_altered_and_rolled_back_with_the_transaction(connect, name):
    client = connect(autocommit=False)
    client.run(f"create table {name} (a int, b int)")
    client.connection.commit()
    client.run(f"alter table {name} alter distkey a")
    client.run(f"alter table {name} alter sortkey (b)")
    facts = f"select distkey, sortkey from pg_table_def where tablename = '{name}'"
    assert client.run(facts) == [(True, 0), (False, 1)]
    client.connection.rollback()
    assert client.run(facts) == [(False, 0), (False, 0)]


def test_columns_and_tables_are_renamed_and_dropped(client, name):
    client.run(f"create table {name} (a varchar(3), b int)")
    client.run(f"alter table {name} rename column a to c")
    client.run(f"alter table {name} drop column b")
    client.run(f"alter table {name} rename to {name}x")
    client.run(f"comment on table {name}x is 'hello'")
    assert client.run(f"select remarks from svv_tables where table_name = '{name}x'") == [
        ("hello",)
    ]
    assert client.fails(f"insert into {name}x (c) values ('éé')")["C"] == "22001"
    client.run(f"drop table {name}x")
    assert client.fails(f"select 1 from {name}x")["C"] == "42P01"


def test_ddl_takes_part_in_transactions(connect, client, name):
    other = connect(autocommit=False)
    other.run(f"create schema {name}")
    other.run(f"create table {name}.t (a int)")
    other.connection.rollback()
    assert client.run(f"select count(*) from pg_namespace where nspname = '{name}'") == [(0,)]


def test_truncate_commits_the_transaction(connect, client, name):
    client.run(f"create table {name} (a int)")
    other = connect(autocommit=False)
    other.run(f"insert into {name} values (1)")
    other.run(f"truncate table {name}")
    other.run(f"insert into {name} values (2)")
    other.connection.rollback()
    assert client.run(f"select * from {name}") == []


def test_analyze_runs_anywhere_and_vacuum_only_outside_a_transaction(connect, client, name):
    client.run(f"create table {name} (a int)")
    for statement in (
        "analyze",
        f"analyze {name}(a)",
        "vacuum",
        f"vacuum full {name} to 99 percent",
        f"vacuum delete only {name}",
    ):
        client.run(statement)
    inside = connect(autocommit=False)
    assert inside.fails(f"vacuum {name}")["C"] == "25001"


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("insert into {t} values (1) on conflict do nothing", "42601"),
        ("insert into {t} values (1) returning a", "42601"),
        ("delete from {t} returning a", "42601"),
        ("with x as (select 1) insert into {t} select * from x", "42601"),
        ("create index i on {t} (a)", "0A000"),
        ("savepoint a", "0A000"),
        ("do $$ begin end $$", "0A000"),
        ("copy {t} from stdin", "42601"),
        ("copy {t} to stdout", "42601"),
        ("select 'unterminated", "42601"),
        ("select 1 /* open", "42601"),
    ],
)
def test_what_postgres_has_and_redshift_lacks_is_refused(client, name, statement, code):
    client.run(f"create table {name} (a int)")
    assert client.fails(statement.format(t=name))["C"] == code
    assert client.run(f"select count(*) from {name}") == [(0,)]


def test_nothing_is_rewritten_inside_literals_and_comments(client, name):
    text = 'sysdate nvl( "Quoted" distkey -- '
    assert client.run(f"select '{text}' /* \"MIXED\" sysdate */") == [(text,)]
    client.run(
        f"create table {name} (a varchar(40) default 'x distkey sortkey(a)' not null, b int)"
    )
    client.run(f"insert into {name} (b) values (1)")
    assert client.run(f"select a from {name}") == [("x distkey sortkey(a)",)]


def test_literals_read_backslashes(client):
    assert client.run(r"select 'it\'s', 'a\\b', len('\n')") == [("it's", "a\\b", 1)]


def test_functions_of_redshift(client):
    assert client.run(
        """select nvl(null, 2), len('abc'),
                  dateadd(month, 1, '2024-01-31'::timestamp)::date::varchar,
                  datediff(day, '2024-01-01 23:00'::timestamp, '2024-01-02 01:00'::timestamp),
                  datediff(month, '2024-01-31'::date, '2024-02-01'::date),
                  date_trunc('day', getdate()) <= sysdate"""
    ) == [(2, 3, "2024-02-29", 1, 1, True)]


def test_parameters_of_redshift_are_set_and_shown(client):
    client.run("set query_group to 'loads'")
    assert client.run("show query_group") == [("loads",)]
    client.run("reset query_group")
    assert client.run("show query_group") == [("unset",)]
    client.run("set timezone to 'UTC'")
    assert client.run("show timezone") == [("UTC",)]


def test_super_is_told_with_its_own_type(client, name):
    client.run(f"create table {name} (a super)")
    client.run(f"""insert into {name} select json_parse('{{"k": [1, 2]}}')""")
    cursor = client.connection.cursor()
    cursor.execute(f"select a from {name}")
    assert cursor.fetchall() == (['{"k": [1, 2]}'],)
    assert cursor.description[0][1] == 4000


def test_system_views_answer(client, name):
    client.run(f"create table {name} (a int sortkey, b varchar(9))")
    client.run(f"insert into {name} values (1, 'x')")
    assert client.run(
        f"select tbl_rows, sortkey1, diststyle from svv_table_info where \"table\" = '{name}'"
    ) == [(1, "a", "AUTO(ALL)")]
    assert client.run(
        "select data_type, character_maximum_length from svv_all_columns"
        f" where table_name = '{name}' order by 1"
    ) == [("character varying", 9), ("integer", None)]
    assert client.run(
        f"select data_type from svv_redshift_columns where table_name = '{name}' order by 1"
    ) == [
        ("character varying(9)",),
        ("integer",),
    ]
    assert client.run(
        "select isolation_level from stv_db_isolation_level where db_name = 'dev'"
    ) == [("Snapshot Isolation",)]
    assert client.run("select has_schema_privilege('public', 'create')") == [(True,)]
    client.run(f"drop table {name}")
    assert client.run(f"select 1 from svv_table_info where \"table\" = '{name}'") == []
