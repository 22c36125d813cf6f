#!/usr/bin/env bash
# Looks after the streaming job on Dataflow that deploy/terraform describes.
#
#   PROJECT=acme-flowfacts REGION=europe-west1 deploy/stream.sh status
#
#   status     the job that runs, with its id
#   update     replace it by a new version in place; its state goes over (reads the body that Terraform has made from
#              the file of BODY: terraform output -raw stream_body > body.json)
#   drain      stop reading, publish what has come, end; the state is gone. Set stream_keep_running to false before.
#
# The first launch is the command that Terraform's output next_steps names.
set -euo pipefail

what=${1:?say what to do: status, update or drain}
: "${PROJECT:?the Google Cloud project of the job}"
: "${REGION:?the region of the job, like europe-west1}"
name=${JOB_NAME:-flowfacts-stream}

running() {
  gcloud dataflow jobs list --project "$PROJECT" --region "$REGION" --status active --filter "name=$name" \
    --format 'value(id)' --limit 1
}

need() {
  id=$(running)
  [[ -n $id ]] || { echo "no job $name runs in $PROJECT, $REGION" >&2; exit 1; }
}

case $what in
  status)
    need
    gcloud dataflow jobs describe "$id" --project "$PROJECT" --region "$REGION" \
      --format 'table(id, name, currentState, createTime)'
    ;;
  update)
    : "${BODY:?the file with what is launched: terraform output -raw stream_body > body.json}"
    need
    python3 - "$BODY" > "$BODY.update" <<'PY'
import json, sys
body = json.load(open(sys.argv[1]))
body["launchParameter"]["update"] = True
json.dump(body, sys.stdout)
PY
    # The token comes by standard input: arguments can be seen by every user of the machine.
    printf 'Authorization: Bearer %s\n' "$(gcloud auth print-access-token)" \
      | curl --fail-with-body --silent --show-error --header @- --header 'Content-Type: application/json' \
        --data "@$BODY.update" \
        "https://dataflow.googleapis.com/v1b3/projects/$PROJECT/locations/$REGION/flexTemplates:launch"
    rm -f "$BODY.update"
    ;;
  drain)
    need
    gcloud dataflow jobs drain "$id" --project "$PROJECT" --region "$REGION"
    ;;
  *)
    echo "unknown: $what; say status, update or drain" >&2
    exit 2
    ;;
esac
