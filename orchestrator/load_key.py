"""The name of one piece of work: the same for every retry of it, and for nothing else."""

import hashlib
import json
from collections.abc import Sequence


def load_key(
    *,
    run_id: str,
    step_key: str,
    output_name: str,
    mapping_key: str | None,
    partition_keys: Sequence[str],
) -> str:
    """Name a load.

    Args:
        run_id: the effective run, which a resumed or retried run inherits from its parent.
        step_key: of the step.
        output_name: of the output.
        mapping_key: of a dynamic output.
        partition_keys: in any order.

    Returns:
        The start of the run's id, a dash and 20 hexadecimal digits: fit for a file name and for a
        key on S3.
    """
    identity = [run_id, step_key, output_name, mapping_key, sorted(map(str, partition_keys))]
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
    start = "".join(letter for letter in run_id[:8] if letter.isalnum()) or "run"
    return f"{start}-{digest[:20]}"
