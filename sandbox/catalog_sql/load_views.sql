-- AWS: r_SYS_LOAD_ERROR_DETAIL, r_SYS_LOAD_HISTORY, r_STL_LOAD_ERRORS, r_STL_LOAD_COMMITS.
create view pg_catalog.sys_load_error_detail as
select user_id, query_id, transaction_id, session_id, database_name::char(64), table_id, start_time, file_name::char(256),
       line_number, column_name::char(127), column_type::char(10), column_length::char(10), position, error_code,
       error_message::char(512)
  from pg_catalog.redshift_load_errors;
create view pg_catalog.stl_load_errors as
select user_id as userid, 0 as slice, table_id as tbl, start_time as starttime, session_id as session, query_id as query,
       file_name::char(256) as filename, line_number, column_name::char(127) as colname, column_type::char(10) as "type",
       column_length::char(10) as col_length, position, ''::char(1024) as raw_line, ''::char(1024) as raw_field_value,
       error_code as err_code, left(error_message, 100)::char(100) as err_reason, 0 as is_partial, 0 as start_offset,
       null::bigint as copy_job_id
  from pg_catalog.redshift_load_errors;
create view pg_catalog.sys_load_history as select * from pg_catalog.redshift_loads;
create view pg_catalog.stl_load_commits as
select user_id as userid, query_id as query, 0 as slice, ''::char(256) as name, data_source::char(256) as filename,
       0 as byte_offset, loaded_rows as lines_scanned, 0 as errors, end_time as curtime, 1 as status,
       file_format::char(16) as file_format, 0 as is_partial, 0 as start_offset, copy_job_id
  from pg_catalog.redshift_loads where status = 'completed';
grant select on pg_catalog.sys_load_error_detail, pg_catalog.stl_load_errors, pg_catalog.sys_load_history,
    pg_catalog.stl_load_commits to public;
