# torg in a container: `docker build -t torg .`, then `docker run -p 8080:8080 torg` serves the starter region.
# A site is mounted at /site; docs/operations.md tells how. The steps are those of deploy/build, which .ci/wheel runs.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN deploy/build wheel /wheels
RUN deploy/build install /opt/torg /wheels

FROM python:${PYTHON}-slim-bookworm
RUN useradd --system --uid 10001 --user-group --home-dir /site --no-create-home --shell /usr/sbin/nologin torg
RUN install --directory --owner=torg --group=torg /site
COPY --from=build /opt/torg /opt/torg
COPY deploy/start.py /opt/torg/start.py
ENV PATH=/opt/torg/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LANG=C.UTF-8 \
    TORG_HOST=0.0.0.0 \
    TORG_PORT=8080 \
    TORG_ACCESS_LOG=json
# By number: what starts containers can tell that it is not root.
USER 10001
WORKDIR /site
VOLUME /site
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["/opt/torg/bin/python", "/opt/torg/start.py", "--healthy"]
ENTRYPOINT ["/opt/torg/bin/python", "/opt/torg/start.py"]
