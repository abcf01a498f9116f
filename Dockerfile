# The released model and its HTTP API alone: no MindSpore, no DVC. Built and tried by .ci/container.
#   docker build -t sortline-api . && docker run --rm -p 8000:8000 sortline-api
#   docker run --rm -p 8000:8000 -v "$PWD/models/waste/export:/model:ro" sortline-api     # another model
FROM python:3.11-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
COPY requirements-api.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-api.lock
COPY src/sortline ./sortline
COPY release/garbage /model

USER 65534:65534
EXPOSE 8000
HEALTHCHECK --start-period=10s --interval=30s --timeout=5s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:8000/health', timeout=4)"]
ENTRYPOINT ["python", "-m", "sortline.cli", "serve", "--api", "--host", "0.0.0.0", "--model", "/model"]
