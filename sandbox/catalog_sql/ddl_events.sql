-- Runs after every CREATE TABLE, CREATE TABLE AS and ALTER TABLE, in its transaction: refuses
-- types that Redshift lacks, gives types the lengths that Redshift gives them, counts VARCHAR in
-- bytes, and writes down the facts that came with the statement.

create function pg_catalog.redshift_check_types(relation oid) returns void language plpgsql as $$
declare bad record;
begin
    select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) as type into bad
      from pg_attribute a join pg_class c on c.oid = a.attrelid
     where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
       and a.atttypid::regtype::text not in (
           'smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric', 'boolean',
           'character', 'character varying', 'text', 'name', 'date', 'time without time zone',
           'time with time zone', 'timestamp without time zone', 'timestamp with time zone',
           'interval', 'oid', 'super', 'varbyte')
     order by a.attnum limit 1;
    if found then
        raise exception 'Column "%.%" has unsupported type "%"', bad.relname, bad.attname, bad.type
            using errcode = '0A000';
    end if;
end $$;

create function pg_catalog.redshift_shape_columns(relation oid, from_query boolean) returns void language plpgsql as $$
declare
    col record;
    type text;
    length integer;
    changes text[] := '{}';
begin
    for col in
        select a.attname, a.attnum, a.atttypid::regtype::text as type, a.atttypmod as modifier,
               (select conname from pg_constraint k where k.conrelid = relation and k.contype = 'c'
                   and k.conkey = array[a.attnum] and k.conname like 'redshift_bytes_%') as bytes
          from pg_attribute a
         where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
    loop
        type := case
            when col.type = 'text' then case when from_query then 'varchar(65535)' else 'varchar(256)' end
            when col.type = 'character varying' and col.modifier < 0
                then case when from_query then 'varchar(65535)' else 'varchar(256)' end
            when col.type = 'name' then 'varchar(128)'
            when col.type = 'numeric' and col.modifier < 0 and not from_query then 'numeric(18,0)'
        end;
        if type is not null then
            changes := changes || format('alter column %I type %s', col.attname, type);
        end if;
        if (col.type in ('text', 'character varying', 'name')) and col.bytes is null then
            length := case when type is null then col.modifier - 4
                           else substring(type from '\d+')::integer end;
            changes := changes || format('add constraint redshift_bytes_%s_%s check (octet_length(%I) <= %s)',
                                         length, col.attnum, col.attname, length);
        end if;
    end loop;
    if changes <> '{}' then
        execute format('alter table %s %s', relation::regclass, array_to_string(changes, ', '));
    end if;
end $$;

-- Write facts given as JSON; what the JSON does not name stays as it is.
create function pg_catalog.redshift_remember(relation regclass, given text) returns void
language plpgsql security definer as $$
declare
    facts json := given;
    source oid;
begin
    insert into pg_catalog.redshift_tables (relid) values (relation) on conflict do nothing;
    insert into pg_catalog.redshift_columns (relid, attnum)
        select relation, attnum from pg_attribute where attrelid = relation and attnum > 0 and not attisdropped
        on conflict do nothing;
    if coalesce(facts->>'like', '') <> '' then
        source := to_regclass(facts->>'like');
        update pg_catalog.redshift_tables t set diststyle = s.diststyle, sortstyle = s.sortstyle
          from pg_catalog.redshift_tables s where t.relid = relation and s.relid = source;
        update pg_catalog.redshift_columns t set encoding = s.encoding, distkey = s.distkey, sortkey = s.sortkey
          from pg_catalog.redshift_columns s
          join pg_attribute sa on sa.attrelid = s.relid and sa.attnum = s.attnum
          join pg_attribute ta on ta.attname = sa.attname
         where s.relid = source and t.relid = relation and ta.attrelid = relation and ta.attnum = t.attnum;
    end if;
    if coalesce(facts->>'diststyle', '') <> '' then
        update pg_catalog.redshift_tables set diststyle = facts->>'diststyle' where relid = relation;
        update pg_catalog.redshift_columns c set distkey = (a.attname = coalesce(facts->>'distkey', ''))
          from pg_attribute a where a.attrelid = c.relid and a.attnum = c.attnum and c.relid = relation;
        if coalesce(facts->>'distkey', '') <> ''
           and not exists (select from pg_catalog.redshift_columns where relid = relation and distkey) then
            raise exception 'column "%" named in key does not exist', facts->>'distkey' using errcode = '42703';
        end if;
    end if;
    if facts->'sortkeys' is not null and (json_array_length(facts->'sortkeys') > 0 or coalesce(facts->>'sortstyle', '') <> '') then
        update pg_catalog.redshift_tables set sortstyle = facts->>'sortstyle' where relid = relation;
        update pg_catalog.redshift_columns set sortkey = 0 where relid = relation;
        update pg_catalog.redshift_columns c
           set sortkey = case when facts->>'sortstyle' = 'INTERLEAVED' and k.n % 2 = 0 then -k.n else k.n end
          from json_array_elements_text(facts->'sortkeys') with ordinality k(name, n), pg_attribute a
         where a.attrelid = relation and a.attname = k.name and c.relid = relation and c.attnum = a.attnum;
        if (select count(*) from pg_catalog.redshift_columns where relid = relation and sortkey <> 0)
           <> json_array_length(facts->'sortkeys') then
            raise exception 'a column named in the sort key does not exist' using errcode = '42703';
        end if;
    end if;
    update pg_catalog.redshift_columns c set encoding = e.value
      from json_each_text(coalesce(facts->'encodings', '{}')) e, pg_attribute a
     where a.attrelid = relation and a.attname = e.key and c.relid = relation and c.attnum = a.attnum;
    if facts->'primary_key' is not null then
        update pg_catalog.redshift_tables
           set primary_key = array(select json_array_elements_text(facts->'primary_key'))
         where relid = relation and (json_array_length(facts->'primary_key') > 0 or facts->'diststyle' is null);
    end if;
end $$;

create function pg_catalog.redshift_ddl_end() returns event_trigger language plpgsql as $$
declare
    done record;
    facts text := current_setting('redshift.table_facts', true);
begin
    if current_setting('redshift.inside_ddl', true) = 'yes' then
        return;  -- our own ALTER TABLE
    end if;
    perform set_config('redshift.inside_ddl', 'yes', true);
    for done in
        select distinct on (objid) objid, command_tag from pg_event_trigger_ddl_commands()
         where object_type = 'table' and command_tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE')
    loop
        perform pg_catalog.redshift_check_types(done.objid);
        perform pg_catalog.redshift_shape_columns(done.objid, done.command_tag in ('CREATE TABLE AS', 'SELECT INTO'));
        perform pg_catalog.redshift_remember(done.objid, coalesce(nullif(facts, ''), '{}'));
    end loop;
    perform set_config('redshift.inside_ddl', '', true);
end $$;
create event trigger redshift_ddl_end on ddl_command_end
    when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE')
    execute function pg_catalog.redshift_ddl_end();

create function pg_catalog.redshift_forget() returns event_trigger language plpgsql security definer as $$
begin
    delete from pg_catalog.redshift_tables where relid in (select objid from pg_event_trigger_dropped_objects() where object_type = 'table');
    delete from pg_catalog.redshift_columns where relid in (select objid from pg_event_trigger_dropped_objects() where object_type = 'table');
end $$;
create event trigger redshift_forget on sql_drop when tag in ('DROP TABLE', 'DROP SCHEMA')
    execute function pg_catalog.redshift_forget();

-- ALTER COLUMN ... TYPE VARCHAR(n): the length and the check that counts it in bytes.
create function pg_catalog.redshift_widen(relation regclass, name text, length integer) returns void language plpgsql as $$
declare number smallint; old text;
begin
    select attnum into number from pg_attribute where attrelid = relation and attname = name;
    select conname into old from pg_constraint
     where conrelid = relation and contype = 'c' and conkey = array[number] and conname like 'redshift_bytes_%';
    perform set_config('redshift.inside_ddl', 'yes', true);
    if old is not null then
        execute format('alter table %s drop constraint %I', relation, old);
    end if;
    execute format('alter table %s alter column %I type varchar(%s)', relation, name, length);
    execute format('alter table %s add constraint redshift_bytes_%s_%s check (octet_length(%I) <= %s) not valid',
                   relation, length, number, name, length);
    perform set_config('redshift.inside_ddl', '', true);
end $$;
