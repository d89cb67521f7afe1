"""Where on S3 Parquet lies for COPY, and is put by UNLOAD."""

from typing import Any

import dagster as dg
from pydantic import Field

from shared_protocol import ErrorCode, Phase, S3Location, refuse


class S3Staging(dg.ConfigurableResource[Any]):
    """A bucket in the database's Region, and the role by which Redshift reads and writes it.

    Credentials, endpoints and the rest are botocore's own: environment, profile, instance role.
    """

    bucket: str = Field(description="Name of the bucket, in the same Region as the database.")
    prefix: str = Field(default="", description="Key prefix under which everything is put.")
    iam_role: str = Field(
        default="default",
        description="'default', or the ARN of the role that Redshift takes on for COPY and UNLOAD.",
    )
    region: str | None = Field(
        default=None, description="Region of the bucket; None leaves it to the environment."
    )

    def location(self) -> S3Location:
        """Give the place as a request names it.

        Raises:
            FailureError: ``settings_missing``, where the bucket's name is empty or a URI.
        """
        if not self.bucket or "/" in self.bucket or ":" in self.bucket:
            raise refuse(
                ErrorCode.SETTINGS_MISSING,
                Phase.REQUEST,
                f"S3Staging has bucket={self.bucket!r}, and needs the plain name of a bucket.",
                "Give the name without s3://, and what comes behind it as prefix.",
            )
        return S3Location(
            bucket=self.bucket,
            prefix=self.prefix.strip("/"),
            iam_role=self.iam_role,
            region=self.region or "",
        )
