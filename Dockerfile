# One image for the connector and its sandboxes: the wheel over locked requirements, run by a user of its own.
#   docker build -t smart-scribe .
#   docker build -t smart-scribe --build-arg AUDIO=no .
#
# AUDIO=yes, the default, installs PyAV. The FFmpeg inside its wheel ships GPL-licensed parts: an image built for your
# own use is one thing, an image you hand on is another. Without PyAV the connector recognises a recording by its first
# bytes only and knows no duration, and the sandbox AssemblyAI does not start. See docs/operator.md, "Licences".

FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements/dev.txt requirements/
# The build tool from the lock, with its hashes, instead of whatever is newest today.
RUN awk '/^[^ ]/ { wanted = /^setuptools==/ } wanted' requirements/dev.txt > build.txt \
    && pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r build.txt
COPY pyproject.toml README.md LICENSE ./
COPY connector connector
COPY mappings mappings
COPY templates templates
COPY smart-launch/sandbox smart-launch/sandbox
RUN pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:3.11-slim
ARG AUDIO=yes
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements/run.txt /tmp/run.txt
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r /tmp/run.txt \
    && if [ "$AUDIO" != yes ]; then pip uninstall --yes --disable-pip-version-check av; fi \
    && rm /tmp/run.txt
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-index /wheels/*.whl \
    && rm -r /wheels \
    && groupadd --gid 10001 scribe \
    && useradd --uid 10001 --gid scribe --no-create-home --home-dir /var/lib/smart-scribe --shell /usr/sbin/nologin scribe \
    # A named volume takes over owner and mode of the folder it is laid over when it is new.
    && install -d -o scribe -g scribe -m 0700 /var/lib/smart-scribe/service /var/lib/smart-scribe/keys \
       /var/lib/smart-scribe/sandbox /var/lib/smart-scribe/ehr
USER 10001:10001
WORKDIR /var/lib/smart-scribe
EXPOSE 8000
CMD ["connector", "serve"]
