"""The names of the loader's environment variables; AWS's own are botocore's.

The orchestrator sets them for a loader that it launches, a person for one of their own. Secrets
reach the loader this way and no other.
"""

REDSHIFT_AUTH = "REDSHIFT_AUTH"
REDSHIFT_HOST = "REDSHIFT_HOST"
REDSHIFT_PORT = "REDSHIFT_PORT"
REDSHIFT_DATABASE = "REDSHIFT_DATABASE"
REDSHIFT_USER = "REDSHIFT_USER"
REDSHIFT_PASSWORD = "REDSHIFT_PASSWORD"  # noqa: S105  # a name, not a password
REDSHIFT_CLUSTER_IDENTIFIER = "REDSHIFT_CLUSTER_IDENTIFIER"
REDSHIFT_WORKGROUP = "REDSHIFT_WORKGROUP"
REDSHIFT_DB_USER = "REDSHIFT_DB_USER"
REDSHIFT_SECRET_ARN = "REDSHIFT_SECRET_ARN"  # noqa: S105  # a name, not a secret
REDSHIFT_SSLMODE = "REDSHIFT_SSLMODE"
"""``verify-full`` (default), ``verify-ca``, or ``disable`` for a server without TLS."""
LOADER_PARENT_PID = "REDSHIFT_LOADER_PARENT_PID"
"""Set by a launcher whose local loader is to end when the launcher's own process does."""
