-- Functions that Redshift has and PostgreSQL lacks, or has with another answer.
alter function pg_catalog.version() rename to postgres_version;
create function pg_catalog.version() returns varchar language sql stable as $$
    select 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.0 (sandbox)'::varchar
$$;

create function pg_catalog.pg_last_copy_count() returns bigint language sql stable as
    $$ select coalesce(nullif(current_setting('redshift.last_copy_count', true), ''), '0')::bigint $$;
create function pg_catalog.pg_last_copy_id() returns integer language sql stable as
    $$ select coalesce(nullif(current_setting('redshift.last_copy_id', true), ''), '-1')::integer $$;
create function pg_catalog.pg_last_unload_count() returns bigint language sql stable as
    $$ select coalesce(nullif(current_setting('redshift.last_unload_count', true), ''), '0')::bigint $$;
create function pg_catalog.pg_last_query_id() returns integer language sql stable as
    $$ select coalesce(nullif(current_setting('redshift.last_query_id', true), ''), '-1')::integer $$;

create function pg_catalog.getdate() returns timestamp language sql stable as
    $$ select date_trunc('second', statement_timestamp())::timestamp $$;
create function pg_catalog.len(varchar) returns integer language sql immutable as $$ select length($1) $$;
create function pg_catalog.nvl2(anyelement, anycompatible, anycompatible) returns anycompatible
    language sql immutable as $$ select case when $1 is null then $3 else $2 end $$;
create function pg_catalog.is_large_string_enabled() returns boolean language sql immutable as $$ select false $$;

-- The names of dateparts (AWS: r_Dateparts_for_datetime_functions).
create function pg_catalog.redshift_datepart(text) returns text language sql immutable as $$
    select case lower($1)
        when 'y' then 'year' when 'yr' then 'year' when 'yrs' then 'year' when 'years' then 'year'
        when 'q' then 'quarter' when 'qtr' then 'quarter' when 'quarters' then 'quarter'
        when 'mon' then 'month' when 'mons' then 'month' when 'months' then 'month'
        when 'w' then 'week' when 'weeks' then 'week'
        when 'd' then 'day' when 'days' then 'day'
        when 'h' then 'hour' when 'hr' then 'hour' when 'hrs' then 'hour' when 'hours' then 'hour'
        when 'm' then 'minute' when 'min' then 'minute' when 'mins' then 'minute' when 'minutes' then 'minute'
        when 's' then 'second' when 'sec' then 'second' when 'secs' then 'second' when 'seconds' then 'second'
        when 'ms' then 'milliseconds' when 'millisecond' then 'milliseconds'
        when 'us' then 'microseconds' when 'microsecond' then 'microseconds'
        else lower($1)
    end
$$;
create function pg_catalog.dateadd(part text, n bigint, at timestamp) returns timestamp language sql immutable as $$
    select $3 + case pg_catalog.redshift_datepart($1)
        when 'quarter' then make_interval(months => (3 * $2)::int)
        else ($2 || ' ' || pg_catalog.redshift_datepart($1))::interval
    end
$$;
create function pg_catalog.dateadd(part text, n bigint, at date) returns timestamp language sql immutable as
    $$ select pg_catalog.dateadd($1, $2, $3::timestamp) $$;
create function pg_catalog.dateadd(part text, n bigint, at timestamptz) returns timestamptz language sql stable as
    $$ select pg_catalog.dateadd($1, $2, $3 at time zone 'UTC') at time zone 'UTC' $$;
-- DATEDIFF counts the boundaries between two moments (AWS: r_DATEDIFF_function).
create function pg_catalog.datediff(part text, a timestamp, b timestamp) returns bigint language sql immutable as $$
    select case pg_catalog.redshift_datepart($1)
        when 'year' then extract(year from $3) - extract(year from $2)
        when 'quarter' then (extract(year from $3) - extract(year from $2)) * 4 + extract(quarter from $3) - extract(quarter from $2)
        when 'month' then (extract(year from $3) - extract(year from $2)) * 12 + extract(month from $3) - extract(month from $2)
        when 'week' then (date_trunc('week', $3 + interval '1 day')::date - date_trunc('week', $2 + interval '1 day')::date) / 7
        when 'day' then $3::date - $2::date
        else (extract(epoch from date_trunc(pg_catalog.redshift_datepart($1), $3))
              - extract(epoch from date_trunc(pg_catalog.redshift_datepart($1), $2)))
             * case pg_catalog.redshift_datepart($1)
                 when 'hour' then 1.0 / 3600 when 'minute' then 1.0 / 60 when 'second' then 1
                 when 'milliseconds' then 1000 when 'microseconds' then 1000000
               end
    end::bigint
$$;
create function pg_catalog.datediff(part text, a date, b date) returns bigint language sql immutable as
    $$ select pg_catalog.datediff($1, $2::timestamp, $3::timestamp) $$;
create function pg_catalog.datediff(part text, a timestamptz, b timestamptz) returns bigint language sql stable as
    $$ select pg_catalog.datediff($1, $2 at time zone 'UTC', $3 at time zone 'UTC') $$;

-- SUPER holds JSON text, VARBYTE holds bytes.
create domain pg_catalog.super as json;
create domain pg_catalog.varbyte as bytea;
create function pg_catalog.json_parse(text) returns pg_catalog.super language sql immutable as $$ select $1::json::pg_catalog.super $$;
create function pg_catalog.json_serialize(pg_catalog.super) returns varchar language sql immutable as $$ select $1::text::varchar $$;
create function pg_catalog.from_hex(text) returns pg_catalog.varbyte language sql immutable as $$ select decode($1, 'hex')::pg_catalog.varbyte $$;
create function pg_catalog.to_varbyte(text, text) returns pg_catalog.varbyte language sql immutable as $$
    select case lower($2) when 'hex' then decode($1, 'hex') when 'base64' then decode($1, 'base64') else convert_to($1, 'UTF8') end::pg_catalog.varbyte
$$;
create function pg_catalog.from_varbyte(bytea, text) returns varchar language sql immutable as $$
    select case lower($2) when 'hex' then encode($1, 'hex') when 'base64' then encode($1, 'base64') else convert_from($1, 'UTF8') end::varchar
$$;
