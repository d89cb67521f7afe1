"""The code in docs/dagster.md runs as it stands there."""

import re
from pathlib import Path

import orchestrator
from orchestrator import RedshiftConnection, RedshiftIOManager, S3Staging, SubprocessLauncher
from orchestrator.table import _KEYS

PAGE = (Path(__file__).parents[2] / "docs" / "dagster.md").read_text(encoding="utf-8")


def test_the_code_runs_top_to_bottom(box, database, tmp_path, capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    text = "\n".join(blocks).replace("my-bucket", box.s3.bucket).replace("/data/", f"{tmp_path}/")
    page: dict[str, object] = {"__name__": "page"}
    exec(compile(text, "docs/dagster.md", "exec"), page)
    assert database.rows("select airports from analytics.airport_count") == [(2,)]
    assert database.rows("select day::varchar, amount from analytics.sales") == [("2024-01-02", 7)]
    assert database.count("analytics.shop_sales") == 1
    assert database.rows("select clicks from analytics.clicks") == [(3,)]
    assert "password='***'" in capsys.readouterr().out


def test_every_setting_and_metadata_key_is_told():
    for kind in (RedshiftIOManager, RedshiftConnection, S3Staging, SubprocessLauncher):
        for name, field in kind.model_fields.items():
            assert f"`{field.alias or name}`" in PAGE, f"{kind.__name__}.{name}"
    for key in _KEYS:
        assert f"`{key}`" in PAGE
    assert "redshift_asset" in orchestrator.__all__
