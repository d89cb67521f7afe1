"""A table that contradicts itself is refused when it is written down."""

import pytest

from shared_protocol import DistStyle, ParquetOptions, Table, Target


def test_a_dist_key_means_the_style_key():
    assert Table(schema="s", name="t", dist_key="a").dist_style is None
    assert Table(schema="s", name="t", dist_key="a", dist_style=DistStyle.KEY)


def test_the_style_key_needs_a_column():
    with pytest.raises(ValueError, match="dist_key names no column"):
        Table(schema="s", name="t", dist_style=DistStyle.KEY)


@pytest.mark.parametrize("style", [DistStyle.AUTO, DistStyle.EVEN, DistStyle.ALL])
def test_a_dist_key_goes_with_no_other_style(style):
    with pytest.raises(ValueError, match=f"dist_key is 'a', but dist_style is '{style}'"):
        Table(schema="s", name="t", dist_key="a", dist_style=style)


def test_a_column_type_that_redshift_does_not_have_is_named_with_its_column():
    with pytest.raises(ValueError, match=r"column_types\['delay'\]: 'int128' is no Redshift"):
        Table(schema="s", name="t", column_types={"delay": "int128"})


def test_labels_are_for_a_person():
    assert Table(schema="s", name="t").label == "s.t"
    assert Target(host="h", database="dev").label == "h:5439/dev"
    assert Target(host="", database="dev", workgroup="w").label == "w:5439/dev"
    assert Target(host="", database="dev", cluster_identifier="c").label == "c:5439/dev"


@pytest.mark.parametrize(
    "options", [{"part_bytes": 0}, {"row_group_rows": 0}, {"compression": "brotli"}]
)
def test_parquet_that_copy_does_not_read_is_refused(options):
    with pytest.raises(ValueError, match=r"at least 1|none of zstd"):
        ParquetOptions(**options)
