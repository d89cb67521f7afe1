"""A local Redshift and a local S3, so that a loader runs with no AWS account.

    from sandbox import Sandbox

    with Sandbox.start() as box:
        os.environ.update(box.environ)
        ...

See `docs/local-redshift.md` for what is modelled and what is not. Nothing heavy is imported
until a sandbox starts.
"""

from __future__ import annotations

from .box import RedshiftFacts, S3Facts, Sandbox

__all__ = ["RedshiftFacts", "S3Facts", "Sandbox"]
