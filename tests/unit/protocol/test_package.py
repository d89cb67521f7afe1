"""The protocol is one package of the standard library with one public face."""

import subprocess
import sys
from pathlib import Path

import shared_protocol
from shared_protocol import environment

ROOT = Path(shared_protocol.__file__).parent.parent

IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import shared_protocol
for module in pkgutil.iter_modules(shared_protocol.__path__):
    importlib.import_module(f"shared_protocol.{module.name}")
roots = {name.partition(".")[0] for name in sys.modules}
roots -= sys.stdlib_module_names | {"__main__", "shared_protocol"}
# The interpreter's own build data is of the standard library too, under a name for each platform.
print(*sorted(root for root in roots if not root.startswith("_sysconfigdata")))
"""


def test_it_imports_the_standard_library_only():
    # -I -S: neither the environment nor site-packages is on the path, so another import fails.
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT_ALL, str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout.strip()) == (0, ""), run.stderr


def test_the_public_names_are_there_and_sorted():
    def place(name: str) -> tuple[int, str]:
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    names = shared_protocol.__all__
    assert names == sorted(set(names), key=place)
    assert all(hasattr(shared_protocol, name) for name in names)


def test_nothing_public_is_left_out_of_all():
    modules = {"codec", "environment", "json_schema", "messages", "names", "staging_path"}
    modules |= {"failure", "partition_slice", "redshift_type", "report", "request", "table"}
    modules |= {"type_table", "version"}
    public = {name for name in vars(shared_protocol) if not name.startswith("_")}
    assert public - modules == set(shared_protocol.__all__)


def test_an_environment_variable_is_called_as_its_constant():
    constants = {name: value for name, value in vars(environment).items() if name.isupper()}
    assert constants
    assert all(value in (name, f"REDSHIFT_{name}") for name, value in constants.items())
