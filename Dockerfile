# Twinbar with everything that a training needs, kernels compiled: the first run starts at once, offline too.
#
#   docker build --build-arg VERSION=$(python -m setuptools_scm) --tag twinbar .
#   docker run --rm --volume "$PWD/runs:/work/runs" twinbar train --data digits --epochs 3 --out runs/first
#
# EXTRAS=rtl,hdl,fit adds what those extras bring (a C++ compiler, Yosys, SciPy).

FROM python:3.13-slim-bookworm AS build

ARG VERSION=""
ARG EXTRAS=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# The context has no history: whoever builds says which version it is.
ENV SETUPTOOLS_SCM_PRETEND_VERSION_FOR_TWINBAR=${VERSION}

RUN python -m venv /opt/twinbar
ENV PATH=/opt/twinbar/bin:$PATH
WORKDIR /source
COPY constraints.txt pyproject.toml README.md LICENSE NOTICE ./
# PyTorch first, from its own index of CPU builds: the layer stays when only Twinbar changes.
RUN pip install --constraint constraints.txt --index-url https://download.pytorch.org/whl/cpu torch
COPY twinbar twinbar
COPY hw hw
COPY emulator emulator
COPY host host
COPY boards boards
RUN pip install --constraint constraints.txt ".${EXTRAS:+[$EXTRAS]}"

FROM python:3.13-slim-bookworm

COPY --from=build /opt/twinbar /opt/twinbar
RUN useradd --create-home --uid 1000 twinbar && install --directory --owner twinbar /work
USER 1000
WORKDIR /work
ENV PATH=/opt/twinbar/bin:$PATH XDG_CACHE_HOME=/home/twinbar/.cache
# Kernels are compiled for the processor that builds: another one compiles its own at its first run.
# The training compiles what the host decides with.
RUN python -m twinbar.emulator.warm_up \
    && twinbar train --data digits --limit 256 --epochs 1 --out /tmp/warm > /dev/null && rm -r /tmp/warm

ENTRYPOINT ["twinbar"]
CMD ["--help"]
