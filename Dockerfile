# Two images; the last one is what `docker build .` makes:
#   loader    docker build -t redshift-loader .                         redshift-loader and what it needs: no Dagster, no polars
#   sandbox   docker build -t redshift-sandbox --target sandbox .       a local Redshift and S3, for compose.yaml
# Every package comes from a hash-locked file. Behind a package mirror: --build-arg PIP_INDEX_URL=..., and Docker's own
# --build-arg HTTPS_PROXY=...; both reach only the stages that build, no image keeps them.
# Written for every builder since Docker 20.10, the classic one included.

ARG PYTHON_IMAGE=python:3.13-slim-trixie


FROM ${PYTHON_IMAGE} AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements-build.lock ./
RUN python3 -m venv tools && tools/bin/python -m pip install --require-hashes --only-binary :all: -r requirements-build.lock


FROM build AS build-loader
COPY requirements-loader.lock ./
# Taken out of pyarrow: its headers, its tests and Arrow Flight, which the loader never touches.
# Bytecode is compiled here, and trusted without looking at file times: the image runs read-only.
RUN python3 -m venv --without-pip /opt/venv \
    && tools/bin/python -m pip --python /opt/venv/bin/python install --no-compile \
        --require-hashes --only-binary :all: -r requirements-loader.lock \
    && (cd /opt/venv/lib/python3*/site-packages && rm -rf pyarrow/include pyarrow/src pyarrow/tests pyarrow/*flight*) \
    && /opt/venv/bin/python -W ignore -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib
# The project lies in a layer of its own: a new version of it does not move its libraries again.
COPY pyproject.toml README.md LICENSE ./
COPY shared_protocol shared_protocol
COPY loader_process loader_process
RUN tools/bin/python -m hatchling build --target wheel --directory dist \
    && tools/bin/python -m pip --python /opt/venv/bin/python install --no-compile --no-deps --root /project dist/*.whl \
    && python3 -m compileall -q -s /project --invalidation-mode unchecked-hash /project/opt/venv/lib


FROM build AS build-sandbox
COPY requirements-sandbox.lock ./
RUN python3 -m venv --without-pip /opt/venv \
    && tools/bin/python -m pip --python /opt/venv/bin/python install --no-compile \
        --require-hashes --only-binary :all: -r requirements-sandbox.lock \
    && /opt/venv/bin/python -W ignore -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib
COPY sandbox /opt/app/sandbox
RUN chmod -R a+rX /opt/app && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/app


FROM ${PYTHON_IMAGE} AS sandbox
# PostgreSQL asks the system for its user's name, so this one has an entry in /etc/passwd.
RUN useradd --uid 10001 --create-home sandbox && install -d -o sandbox -m 0755 /run/sandbox
COPY --from=build-sandbox /opt/venv /opt/venv
COPY --from=build-sandbox /opt/app /opt/app
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /home/sandbox
USER 10001:10001
EXPOSE 5439 8333
HEALTHCHECK --interval=3s --timeout=10s --start-period=60s --retries=10 \
    CMD ["python", "-m", "sandbox", "check", "--export", "/run/sandbox"]
ENTRYPOINT ["python", "-m", "sandbox"]
CMD ["up", "--host", "0.0.0.0", "--redshift-port", "5439", "--s3-port", "8333", "--export", "/run/sandbox"]


FROM ${PYTHON_IMAGE} AS loader
LABEL org.opencontainers.image.title="redshift-loader" \
      org.opencontainers.image.description="Loads a staging path into Amazon Redshift" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build-loader /opt/venv /opt/venv
COPY --from=build-loader /project /
# Any uid may run it, also one with no entry in /etc/passwd, on a read-only root file system. What needs a temporary file
# (re-encoding) writes it to /tmp: with --read-only give it one, --tmpfs /tmp.
RUN install -d -m 1777 /home/loader
ENV PATH=/opt/venv/bin:$PATH HOME=/home/loader USER=loader PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /home/loader
USER 10001:10001
ENTRYPOINT ["redshift-loader"]
CMD ["--help"]
