"""A load of a staging path from inside the container is the load that it is anywhere else."""

import os

import pyarrow as pa
import pytest

from shared_protocol import LoadStatus, Table
from tests.container.docker_command import docker
from tests.loader.conftest import Loader, last_outcome
from tests.loader.staging import stage

OLD = [(1, "Amsterdam", None), (9, "gone", 0.0)]
NEW = [(1, "Köln", 1.5), (2, "İstanbul", None), (3, "O'Fallon \\ 'x'", -0.25)]


def cities(rows):
    types = {"id": pa.int64(), "name": pa.string(), "score": pa.float64()}
    columns = zip(*rows, strict=True)
    return pa.table({n: pa.array(c, types[n]) for n, c in zip(types, columns, strict=True)})


@pytest.fixture
def table(schema):
    return Table(schema=schema, name="cities")


@pytest.fixture
def rows(database, table):
    """Gives what is in the table."""
    return lambda: database.rows(f"select id, name, score from {table.label} order by id")


@pytest.fixture
def load(box, loader_image):
    """Loads a staging path from inside the container, where nothing but that path is writable."""

    def run(path, *arguments, user=None):
        user = user or f"{os.getuid()}:{os.getgid()}"
        environ = box.environ | {"SSL_CERT_FILE": "/ca.pem"}
        authorities = f"--volume={box.environ['SSL_CERT_FILE']}:/ca.pem:ro"
        options = ["--network=host", "--read-only", "--tmpfs=/tmp", f"--user={user}"]
        options += [f"--volume={path}:{path}", authorities]
        # Only named: docker takes the values from its environment, no process list shows them.
        options += [f"--env={name}" for name in environ]
        command = [loader_image, "load", str(path), *arguments]
        return docker("run", "--rm", *options, *command, check=False, env=os.environ | environ)

    return run


def test_a_load_from_inside_the_container_replaces_the_table(load, rows, box, table, tmp_path):
    for number, wanted in enumerate((OLD, NEW)):
        path = tmp_path / str(number)
        stage(path, box.environ, table, cities(wanted))
        answer = load(path)
        assert answer.returncode == 0, answer.stderr
        assert rows() == wanted
        counts = last_outcome(path).loaded.rows
        assert (counts.staged, counts.copied, counts.in_table) == (len(wanted),) * 3


def test_a_load_of_the_host_is_repeated_inside_the_container(load, rows, box, table, tmp_path):
    stage(tmp_path, box.environ, table, cities(NEW))
    first = Loader()(tmp_path).loaded
    known = load(tmp_path)
    assert known.returncode == 0, known.stderr
    assert last_outcome(tmp_path).loaded.status is LoadStatus.ALREADY_LOADED
    forced = load(tmp_path, "--force")
    assert forced.returncode == 0, forced.stderr
    again = last_outcome(tmp_path).loaded
    assert again.status is LoadStatus.LOADED
    assert again.rows.deleted == len(NEW)
    assert again.columns == first.columns
    assert rows() == NEW


def test_a_user_unknown_to_the_image_loads_what_it_may_write(load, rows, box, table, tmp_path):
    stage(tmp_path, box.environ, table, cities(NEW))
    tmp_path.chmod(0o777)
    answer = load(tmp_path, user="54321:54321")
    assert answer.returncode == 0, answer.stderr
    assert rows() == NEW


def test_a_damaged_input_is_refused_and_the_table_stays(load, rows, box, table, tmp_path):
    stage(tmp_path / "good", box.environ, table, cities(OLD))
    assert load(tmp_path / "good").returncode == 0
    stage(tmp_path / "bad", box.environ, table, cities(NEW))
    (part,) = (tmp_path / "bad").rglob("*.parquet")
    part.write_bytes(part.read_bytes()[:-10])
    assert load(tmp_path / "bad").returncode == 3
    assert last_outcome(tmp_path / "bad").failed is not None
    assert rows() == OLD


def test_a_load_leaves_no_secret_behind(load, box, table, tmp_path):
    stage(tmp_path, box.environ, table, cities(NEW))
    answer = load(tmp_path)
    left = [answer.stdout, answer.stderr, *(file.read_text() for file in tmp_path.rglob("*.json"))]
    for name in ("REDSHIFT_PASSWORD", "AWS_SECRET_ACCESS_KEY"):
        assert [text for text in left if box.environ[name] in text] == []
