#!/usr/bin/env bash
# Builds the images and the flex template, pushes them, and prints what goes into terraform.tfvars.
#
#   PROJECT=acme-flowfacts REGION=europe-west1 REPOSITORY=flowfacts TEMP_BUCKET=acme-flowfacts-flowfacts-temp \
#       deploy/containers/build.sh all
#
#   pin        look up the digests of the base images, write bases.lock
#   jobs       the image of the command-line jobs
#   worker     the image of workers and launcher
#   template   the flex template of the streaming job, for the worker image built last
#   all        jobs, worker, template
#
# Needs docker with buildx, gcloud that is logged in (`gcloud auth configure-docker $REGION-docker.pkg.dev`), and `make setup`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

here=deploy/containers
what=${1:?say what to build: pin, jobs, worker, template or all}
: "${PROJECT:?the Google Cloud project that the images go to}"
: "${REGION:?the region of the repository, like europe-west1}"
: "${REPOSITORY:?the repository of Artifact Registry}"

registry="$REGION-docker.pkg.dev/$PROJECT/$REPOSITORY"
python=${PYTHON:-.venv/bin/python}
version=$("$python" -c 'from pipelines.version import VERSION; print(VERSION)')

pin() {
  local name image digest
  while IFS='=' read -r name image; do
    [[ $name == \#* || -z $name ]] && continue
    digest=$(docker buildx imagetools inspect "$image" --format '{{.Manifest.Digest}}')
    [[ $digest == sha256:* ]] || { echo "no digest for $image: $digest" >&2; return 1; }
    echo "$name=$image@$digest"
  done < "$here/bases.env" > "$here/bases.lock.new"
  mv "$here/bases.lock.new" "$here/bases.lock"
  cat "$here/bases.lock"
}

# The digest that a Dockerfile's ARG is set to; fails where it was never pinned.
base() {
  [[ -f $here/bases.lock ]] || { echo "$here/bases.lock is not there; run $0 pin, and commit it" >&2; return 1; }
  local found
  found=$(grep "^$1=" "$here/bases.lock") || { echo "$here/bases.lock has no $1; run $0 pin again" >&2; return 1; }
  echo "${found#*=}"
}

wheel() {
  rm -rf build/wheel
  "$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir build/wheel .
}

# Prints the image by its digest.
image() {
  local name=$1 arguments=() argument value
  wheel
  while read -r argument; do
    value=$(base "$argument")
    arguments+=(--build-arg "$argument=$value")
  done < <(sed -n 's/^ARG \([A-Z_]*_IMAGE\)$/\1/p' "$here/$name.Dockerfile")
  docker buildx build . --file "$here/$name.Dockerfile" --platform linux/amd64 "${arguments[@]}" \
    --tag "$registry/$name:$version" --provenance=true --sbom=true --push --metadata-file "build/$name.json" >&2
  "$python" - "build/$name.json" "$registry/$name" > "build/$name.image" <<'PY'
import json, sys
print(f"{sys.argv[2]}@{json.load(open(sys.argv[1]))['containerimage.digest']}")
PY
  echo "$name"_image = "\"$(cat "build/$name.image")\""
}

template() {
  : "${TEMP_BUCKET:?the bucket that the template goes to, without gs://}"
  [[ -f build/worker.image ]] || { echo "build/worker.image is not there; run $0 worker first" >&2; return 1; }
  "$python" - "$here/stream.metadata.json" "$(cat build/worker.image)" > build/stream.json <<'PY'
import json, sys
json.dump({"image": sys.argv[2], "sdkInfo": {"language": "PYTHON"}, "metadata": json.load(open(sys.argv[1]))}, sys.stdout)
PY
  gcloud storage cp --quiet build/stream.json "gs://$TEMP_BUCKET/templates/stream-$version.json" >&2
  echo stream_template = "\"gs://$TEMP_BUCKET/templates/stream-$version.json\""
}

case $what in
  pin) pin ;;
  jobs | worker) image "$what" ;;
  template) template ;;
  all)
    : "${TEMP_BUCKET:?the bucket that the template goes to, without gs://}"
    image jobs
    image worker
    template
    ;;
  *)
    echo "unknown: $what; say pin, jobs, worker, template or all" >&2
    exit 2
    ;;
esac
