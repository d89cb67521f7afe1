"""``python -m loader_process``, the same as the command ``redshift-loader``."""

import sys

from loader_process.cli import run


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
