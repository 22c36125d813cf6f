# The command-line jobs: mirror, land, batch, status, dashboard and all the others. deploy/containers/build.sh builds it.
ARG PYTHON_IMAGE

# checkov:skip=CKV_DOCKER_7: build.sh gives the images by digest, from bases.lock
FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY deploy/containers/build.lock deploy/containers/jobs.lock /build/
# Everything by hash; what comes as source is built with the locked tool, not with whatever is newest.
RUN python -m venv /opt/flowfacts \
    && /opt/flowfacts/bin/pip install --require-hashes --no-deps -r /build/build.lock \
    && /opt/flowfacts/bin/pip install --require-hashes --no-deps --no-build-isolation -r /build/jobs.lock
COPY build/wheel/flowfacts-*.whl /build/
RUN /opt/flowfacts/bin/pip install --no-deps --no-index /build/flowfacts-*.whl \
    && /opt/flowfacts/bin/pip check \
    && /opt/flowfacts/bin/pip uninstall --yes setuptools pip

FROM ${PYTHON_IMAGE}
# A number, so that Kubernetes can see that it is not root.
RUN groupadd --gid 10001 flowfacts && useradd --uid 10001 --gid flowfacts --no-create-home --shell /usr/sbin/nologin flowfacts
COPY --from=build /opt/flowfacts /opt/flowfacts
COPY --chmod=0555 deploy/containers/run-job /usr/local/bin/run-job
ENV PATH=/opt/flowfacts/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
USER 10001:10001
WORKDIR /tmp
# A job ends by itself, and who runs the dashboard or the landing asks it for its health; nothing to probe here.
HEALTHCHECK NONE
ENTRYPOINT ["/usr/local/bin/run-job"]
CMD ["--help"]
