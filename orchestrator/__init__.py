"""What runs inside Dagster: the Redshift IO manager, the asset wrapper, and what they are told.

Heavy libraries (polars, pyarrow, boto3) are imported when the first frame comes, not here: a code
location pays for them only in the processes that move data.
"""

from orchestrator.asset import redshift_asset
from orchestrator.connection import RedshiftConnection
from orchestrator.io_manager import RedshiftIOManager
from orchestrator.launchers import Launcher, LoaderCall, LoaderEnd
from orchestrator.launchers.subprocess import SubprocessLauncher
from orchestrator.s3_staging import S3Staging
from orchestrator.table import redshift_table

__all__ = [
    "Launcher",
    "LoaderCall",
    "LoaderEnd",
    "RedshiftConnection",
    "RedshiftIOManager",
    "S3Staging",
    "SubprocessLauncher",
    "redshift_asset",
    "redshift_table",
]
