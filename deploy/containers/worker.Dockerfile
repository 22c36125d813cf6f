# Workers of Beam (Dataflow, or the worker pool beside a Flink task manager), and the launcher of the flex template: one
# image for both, so that what builds the graph and what runs it are the same. deploy/containers/build.sh builds it.
ARG PYTHON_IMAGE
ARG BEAM_IMAGE
ARG LAUNCHER_IMAGE

# checkov:skip=CKV_DOCKER_7: build.sh gives the images by digest, from bases.lock
FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY deploy/containers/build.lock deploy/containers/worker.lock /build/
# Everything by hash; what comes as source is built with the locked tool, not with whatever is newest.
RUN python -m venv /opt/flowfacts \
    && /opt/flowfacts/bin/pip install --require-hashes --no-deps -r /build/build.lock \
    && /opt/flowfacts/bin/pip install --require-hashes --no-deps --no-build-isolation -r /build/worker.lock
COPY build/wheel/flowfacts-*.whl /build/
RUN /opt/flowfacts/bin/pip install --no-deps --no-index /build/flowfacts-*.whl \
    && /opt/flowfacts/bin/pip check

FROM ${BEAM_IMAGE} AS beam

FROM ${LAUNCHER_IMAGE} AS launcher

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 flowfacts && useradd --uid 10001 --gid flowfacts --no-create-home --shell /usr/sbin/nologin flowfacts
COPY --from=beam /opt/apache/beam /opt/apache/beam
COPY --from=launcher /opt/google/dataflow/python_template_launcher /opt/google/dataflow/python_template_launcher
COPY --from=build /opt/flowfacts /opt/flowfacts
COPY deploy/containers/launch.py /template/launch.py
# Workers install nothing when they start: all is in the image.
ENV PATH=/opt/flowfacts/bin:$PATH \
    VIRTUAL_ENV=/opt/flowfacts \
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1 \
    FLEX_TEMPLATE_PYTHON_PY_FILE=/template/launch.py
WORKDIR /template
# checkov:skip=CKV_DOCKER_3: Dataflow mounts folders of root that the worker writes to; elsewhere run it as 10001, as deploy/kubernetes does
# checkov:skip=CKV_DOCKER_2: Dataflow watches its workers itself
HEALTHCHECK NONE
ENTRYPOINT ["/opt/apache/beam/boot"]
