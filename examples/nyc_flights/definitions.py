"""What Dagster loads: the assets, one job of them all, and the way to Redshift."""

import dagster as dg

from examples.nyc_flights.assets import ALL
from orchestrator import RedshiftConnection, RedshiftIOManager, S3Staging

JOB = "nyc_flights"

# Dagster's ordinary executor starts a process for each asset, which would spend two seconds on
# imports. Forked from one that has them, it takes a tenth of that. The last two are Dagster's own,
# for the event log on disk; a module that another version does not have is passed over.
FORKED_FROM = {
    "preload_modules": [
        "examples.nyc_flights.assets",
        "dagster._core.instance.factory",
        "dagster._core.storage.sqlite_storage",
    ]
}

# EnvVar leaves the value out of what Dagster shows and stores; it is read when a run starts.
defs = dg.Definitions(
    assets=ALL,
    jobs=[dg.define_asset_job(JOB, selection=ALL)],
    executor=dg.multiprocess_executor.configured({"start_method": {"forkserver": FORKED_FROM}}),
    resources={
        "io_manager": RedshiftIOManager(
            connection=RedshiftConnection(
                host=dg.EnvVar("REDSHIFT_HOST"),
                port=dg.EnvVar.int("REDSHIFT_PORT"),
                database=dg.EnvVar("REDSHIFT_DATABASE"),
                user=dg.EnvVar("REDSHIFT_USER"),
                password=dg.EnvVar("REDSHIFT_PASSWORD"),
            ),
            staging=S3Staging(
                bucket=dg.EnvVar("SANDBOX_BUCKET"), prefix="dagster", iam_role="default"
            ),
        )
    },
)


def nyc_flights_job() -> dg.JobDefinition:
    """Give the job by a name that another process can import."""
    return defs.resolve_job_def(JOB)
