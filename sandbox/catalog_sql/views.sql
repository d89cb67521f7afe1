-- System views over the catalog. Where a view of Redshift's has columns that nothing here can
-- fill, they are null.
create view pg_catalog.redshift_column_facts as
select n.nspname as schema_name, c.relname as table_name, c.oid as relid, c.relkind, a.attname as column_name,
       (row_number() over (partition by c.oid order by a.attnum))::integer as ordinal_position,
       a.atttypid, a.atttypmod, a.attnotnull, f.encoding, coalesce(f.distkey, false) as distkey,
       coalesce(f.sortkey, 0) as sortkey, pg_get_expr(d.adbin, d.adrelid) as column_default,
       case when bt.typname = 'bytea' then 'varbyte' when bt.typname = 'json' then 'super'
            else format_type(a.atttypid, null) end as base_type,
       case when a.atttypid in (1042, 1043) and a.atttypmod > 4 then a.atttypmod - 4 end as character_length,
       case a.atttypid when 21 then 16 when 23 then 32 when 20 then 64 when 700 then 24 when 701 then 53
            when 1700 then case when a.atttypmod > 0 then ((a.atttypmod - 4) >> 16) & 65535 else 38 end end as numeric_precision,
       case when a.atttypid in (20, 21, 23) then 0
            when a.atttypid = 1700 and a.atttypmod > 0 then (a.atttypmod - 4) & 65535 end as numeric_scale,
       col_description(c.oid, a.attnum) as remarks,
       case when n.oid = pg_my_temp_schema() then true else n.nspname not like 'pg\_temp\_%' end as visible
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_type t on t.oid = a.atttypid
  left join pg_type bt on bt.oid = t.typbasetype
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  left join pg_catalog.redshift_columns f on f.relid = a.attrelid and f.attnum = a.attnum
 where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v', 'm', 'p');

-- Only schemas in the search path (AWS: r_PG_TABLE_DEF).
create view pg_catalog.pg_table_def as
select schema_name::name as schemaname, table_name::name as tablename, column_name::name as "column",
       case when base_type in ('varbyte', 'super') then base_type else format_type(atttypid, atttypmod) end::varchar as "type",
       coalesce(nullif(encoding, ''), 'none')::varchar as encoding, distkey, sortkey, attnotnull as "notnull"
  from pg_catalog.redshift_column_facts
 where relkind = 'r' and schema_name = any (current_schemas(true))
 order by schema_name, table_name, ordinal_position;

-- AWS: r_SVV_REDSHIFT_COLUMNS.
create view pg_catalog.svv_redshift_columns as
select current_database()::varchar as database_name, schema_name::varchar, table_name::varchar, column_name::varchar,
       ordinal_position,
       case when base_type in ('character varying', 'character') and character_length is not null
            then base_type || '(' || character_length || ')'
            when base_type = 'numeric' then 'numeric(' || numeric_precision || ',' || coalesce(numeric_scale, 0) || ')'
            else base_type end::varchar(32) as data_type,
       column_default::varchar, case when attnotnull then 'NO' else 'YES' end::varchar as is_nullable,
       coalesce(nullif(encoding, ''), 'none')::varchar as encoding, distkey, sortkey,
       ''::varchar as column_acl, remarks::varchar
  from pg_catalog.redshift_column_facts
 where schema_name not in ('pg_catalog', 'information_schema', 'pg_toast') and schema_name not like 'pg\_temp\_%';

-- AWS: r_SVV_ALL_COLUMNS; temporary tables are not in it.
create view pg_catalog.svv_all_columns as
select current_database()::varchar as database_name, schema_name::varchar, table_name::varchar, column_name::varchar,
       ordinal_position, column_default::varchar, case when attnotnull then 'NO' else 'YES' end::varchar as is_nullable,
       base_type::varchar as data_type, character_length as character_maximum_length, numeric_precision, numeric_scale,
       remarks::varchar
  from pg_catalog.redshift_column_facts
 where schema_name not in ('pg_catalog', 'information_schema', 'pg_toast') and schema_name not like 'pg\_temp\_%';

-- AWS: r_SVV_COLUMNS.
create view pg_catalog.svv_columns as
select current_database()::varchar as table_catalog, schema_name::varchar as table_schema, table_name::varchar,
       column_name::varchar, ordinal_position, column_default::varchar,
       case when attnotnull then 'NO' else 'YES' end::varchar as is_nullable, base_type::varchar as data_type,
       character_length as character_maximum_length, numeric_precision,
       case when numeric_precision is null then null when atttypid = 1700 then 10 else 2 end as numeric_precision_radix,
       numeric_scale, null::integer as datetime_precision, null::varchar as interval_type, null::varchar as interval_precision,
       null::varchar as character_set_catalog, null::varchar as character_set_schema, null::varchar as character_set_name,
       null::varchar as collation_catalog, null::varchar as collation_schema, null::varchar as collation_name,
       null::varchar as domain_name, remarks::varchar
  from pg_catalog.redshift_column_facts where visible;

create view pg_catalog.redshift_relations as
select n.nspname, c.relname, c.oid, c.relkind, c.relowner, c.reltuples, c.relpages, n.nspname like 'pg\_temp\_%' as temporary,
       n.oid = pg_my_temp_schema() as own_temporary, obj_description(c.oid, 'pg_class') as remarks
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'v', 'm', 'p');

create view pg_catalog.svv_tables as
select current_database()::varchar as table_catalog, nspname::varchar as table_schema, relname::varchar as table_name,
       case when relkind = 'v' then 'VIEW' when temporary then 'LOCAL TEMPORARY' else 'BASE TABLE' end::varchar as table_type,
       remarks::varchar
  from pg_catalog.redshift_relations where not temporary or own_temporary;
create view pg_catalog.svv_redshift_tables as
select current_database()::varchar as database_name, nspname::varchar as schema_name, relname::varchar as table_name,
       case when relkind = 'v' then 'VIEW' else 'TABLE' end::varchar as table_type, ''::varchar as table_acl, remarks::varchar
  from pg_catalog.redshift_relations where not temporary and nspname not in ('pg_catalog', 'information_schema', 'pg_toast');
create view pg_catalog.svv_all_tables as
select database_name, schema_name, table_name, table_acl, table_type, remarks from pg_catalog.svv_redshift_tables;
create view pg_catalog.svv_redshift_schemas as
select current_database()::varchar as database_name, nspname::varchar as schema_name, nspowner::integer as schema_owner,
       'local'::varchar as schema_type, array_to_string(nspacl, '~')::varchar as schema_acl, null::varchar as schema_option
  from pg_namespace where nspname not like 'pg\_toast%' and nspname not like 'pg\_temp%';
create view pg_catalog.svv_all_schemas as
select database_name, schema_name, schema_owner, schema_type, schema_acl, null::varchar as source_database, schema_option
  from pg_catalog.svv_redshift_schemas;
create view pg_catalog.svv_external_schemas as
select null::oid as esoid, null::smallint as eskind, null::name as schemaname, null::integer as esowner,
       null::text as databasename, null::text as esoptions where false;

-- Only tables with rows (AWS: r_SVV_TABLE_INFO). Row counts are counted, not estimated.
create function pg_catalog.redshift_count(oid) returns bigint language plpgsql stable as $$
declare n bigint;
begin execute format('select count(*) from %s', $1::regclass) into n; return n; end $$;
create view pg_catalog.svv_table_info as
select current_database()::text as "database", r.nspname::text as "schema", r.oid as table_id, r.relname::text as "table",
       case when exists (select from pg_catalog.redshift_columns c where c.relid = r.oid and c.encoding <> '')
            then 'Y' else 'Y, AUTO(ENCODE)' end::text as encoded,
       case f.diststyle when 'KEY' then 'KEY(' || (select a.attname from pg_catalog.redshift_columns c
            join pg_attribute a on a.attrelid = c.relid and a.attnum = c.attnum where c.relid = r.oid and c.distkey limit 1) || ')'
            when 'AUTO' then 'AUTO(ALL)' else f.diststyle end::text as diststyle,
       coalesce((select a.attname from pg_catalog.redshift_columns c join pg_attribute a on a.attrelid = c.relid and a.attnum = c.attnum
            where c.relid = r.oid and abs(c.sortkey) = 1), 'AUTO(SORTKEY)')::text as sortkey1,
       (select count(*) from pg_catalog.redshift_columns c where c.relid = r.oid and c.sortkey <> 0)::integer as sortkey_num,
       (pg_relation_size(r.oid) / 1048576 + 1)::bigint as size, n.rows::numeric(38, 0) as tbl_rows,
       0::numeric(5, 2) as unsorted, 0::numeric(5, 2) as stats_off, n.rows::numeric(38, 0) as estimated_visible_rows
  from pg_catalog.redshift_relations r
  join pg_catalog.redshift_tables f on f.relid = r.oid
  cross join lateral (select pg_catalog.redshift_count(r.oid) as rows) n
 where r.relkind = 'r' and not r.temporary and n.rows > 0;

-- AWS: r_STV_DB_ISOLATION_LEVEL.
create view pg_catalog.stv_db_isolation_level as
select oid as db_id, trim(datname)::varchar as db_name, 'Snapshot Isolation'::varchar as isolation_level
  from pg_database where not datistemplate;
grant select on pg_catalog.redshift_column_facts, pg_catalog.pg_table_def, pg_catalog.svv_redshift_columns,
    pg_catalog.svv_all_columns, pg_catalog.svv_columns, pg_catalog.redshift_relations, pg_catalog.svv_tables,
    pg_catalog.svv_redshift_tables, pg_catalog.svv_all_tables, pg_catalog.svv_redshift_schemas, pg_catalog.svv_all_schemas,
    pg_catalog.svv_external_schemas, pg_catalog.stv_db_isolation_level to public;
