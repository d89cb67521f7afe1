-- Facts that Redshift keeps about tables and PostgreSQL does not.
create table pg_catalog.redshift_tables (
    relid oid primary key,
    diststyle text not null default 'AUTO',
    sortstyle text not null default '',
    primary_key text[] not null default '{}'
);
create table pg_catalog.redshift_columns (
    relid oid,
    attnum smallint,
    encoding text not null default '',
    distkey boolean not null default false,
    sortkey integer not null default 0,
    primary key (relid, attnum)
);
grant select on pg_catalog.redshift_tables, pg_catalog.redshift_columns to public;

-- What COPY reports. Written by a session of the cluster's own, so that rows outlive a rollback.
create table pg_catalog.redshift_load_errors (
    user_id integer, query_id bigint, transaction_id bigint, session_id integer, database_name text,
    table_id integer, start_time timestamp default (now() at time zone 'UTC'), file_name text,
    line_number bigint, column_name text, column_type text, column_length text, position integer,
    error_code integer, error_message text
);
create table pg_catalog.redshift_loads (
    user_id integer, query_id bigint, transaction_id bigint, session_id integer, database_name text,
    status text, table_name text, start_time timestamp, end_time timestamp, duration bigint,
    data_source text, file_format text, loaded_rows bigint, loaded_bytes bigint,
    source_file_count integer, source_file_bytes bigint, file_count_scanned integer,
    file_bytes_scanned bigint, error_count bigint, copy_job_id bigint
);
grant select on pg_catalog.redshift_load_errors, pg_catalog.redshift_loads to public;
