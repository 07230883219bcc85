# Not FROM apache/airflow: that image brings its own choice of Airflow's dependencies, and here requirements.txt is
# the whole truth, every package checked against its hash.
FROM python:3.12-slim-bookworm

RUN pip install --no-cache-dir uv==0.13.9

RUN useradd --uid 50000 --create-home --home-dir /opt/airflow airflow \
    && install --directory --owner=airflow --group=airflow /opt/airflow/store /opt/airflow/logs
ENV AIRFLOW_HOME=/opt/airflow
WORKDIR /opt/airflow

# Bytecode once here rather than at every start of every process: a fresh process starts in 3 s instead of 8 s.
COPY requirements.txt ./
RUN uv pip install --system --no-cache --require-hashes --compile-bytecode -r requirements.txt

# Editable, so that the folders a deployment mounts over these are the code that runs; without mounts these run.
COPY pyproject.toml README.md LICENSE* ./
COPY include include
COPY plugins plugins
COPY dags dags
RUN uv pip install --system --no-cache --no-deps --editable .

# By number: Kubernetes can then tell that it isn't root.
USER 50000
CMD ["airflow", "version"]
