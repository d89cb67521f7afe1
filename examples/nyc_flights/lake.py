"""Parquet on S3 that something else wrote: a stand-in for another team's pipeline.

It is written the way pyarrow writes by itself, and not the way COPY wants it: nanoseconds, a
dictionary column, a column order of its own. The loader finds that out and mends it.
"""

import os

import boto3
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from examples.nyc_flights import source

PREFIX = "lake/hourly_weather"


def hourly_weather_uri() -> str:
    """Where the files lie: one for each origin."""
    return f"s3://{os.environ['SANDBOX_BUCKET']}/{PREFIX}/"


def hourly_weather() -> pl.DataFrame:
    """What the files hold, as the other team would have computed it."""
    return source.weather().select(
        observed_at="time_hour",
        origin="origin",
        temperature_celsius=((pl.col("temp") - 32) / 1.8).cast(pl.Float32),
        wind_kmh=(pl.col("wind_speed") * 1.609344).cast(pl.Float32),
        raining=pl.col("precip") > 0,
    )


def put_hourly_weather() -> str:
    """Write the files, replacing what lies there, and give their address."""
    bucket = boto3.resource("s3").Bucket(os.environ["SANDBOX_BUCKET"])
    schema = pa.schema(
        [
            ("observed_at", pa.timestamp("ns", tz="UTC")),
            ("origin", pa.dictionary(pa.int32(), pa.string())),
            ("temperature_celsius", pa.float32()),
            ("wind_kmh", pa.float32()),
            ("raining", pa.bool_()),
        ]
    )
    for (origin,), frame in hourly_weather().group_by("origin"):
        buffer = pa.BufferOutputStream()
        pq.write_table(frame.to_arrow().cast(schema), buffer)
        bucket.put_object(Key=f"{PREFIX}/{origin}.parquet", Body=buffer.getvalue().to_pybytes())
    return hourly_weather_uri()
