# ttm-app in a container: it makes music offline, on the CPU, as an ordinary user.
#
#   docker build -t ttm-app .
#   docker run --rm --network none -v "$PWD:/music" ttm-app generate "slow piano" -o piano.wav
#   docker run --rm -p 127.0.0.1:7860:7860 -v ttm-app:/data -e TTM_APP_GUI_PASSWORD=... ttm-app
#
# The user in the container is number 1000: the folder that is mounted as /music must be writable for it.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /source
COPY constraints.txt .
# The CPU build of the version in constraints.txt, which pip prefers as 2.x.y+cpu comes after 2.x.y.
RUN python -m venv /opt/ttm-app \
    && /opt/ttm-app/bin/pip install --no-cache-dir -c constraints.txt \
        --extra-index-url https://download.pytorch.org/whl/cpu torch
COPY . .
RUN /opt/ttm-app/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:${PYTHON}-slim
RUN useradd --create-home --uid 1000 music \
    && install --directory --owner=music --group=music /music /data
COPY --from=build /opt/ttm-app /opt/ttm-app
ENV PATH=/opt/ttm-app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TTM_APP_HOME=/data \
    HF_HUB_OFFLINE=1
USER 1000
WORKDIR /music
VOLUME ["/data"]
EXPOSE 7860
ENTRYPOINT ["ttm-app"]
CMD ["gui", "--host", "0.0.0.0"]
