"""The loader: staged data to Parquet on S3, DDL, DELETE and COPY in Redshift, and a report.

Runs as a process of its own, launched by Dagster or from a shell; knows Redshift, not Dagster.
"""
