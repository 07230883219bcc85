"""PyDeequ on Spark local[2]: the profile of each side by Deequ, which is SageMaker's own engine."""

import os
from pathlib import Path

os.environ["SPARK_VERSION"] = "3.5"

from pydeequ.profiles import ColumnProfilerRunner
from pyspark.sql import SparkSession
from timing import measured

builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", "4g")
spark = builder.config("spark.jars", os.environ["DEEQU_JAR"]).config("spark.ui.enabled", "false").getOrCreate()


def work(folder: Path) -> int:
    profiles = [
        ColumnProfilerRunner(spark).onData(spark.read.parquet(str(folder / f"{name}.parquet"))).run().profiles
        for name in ("baseline", "window")
    ]
    return sum(map(len, profiles))


try:
    measured(work)
finally:
    spark.sparkContext._gateway.shutdown_callback_server()
    spark.stop()
