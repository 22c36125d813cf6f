#!/usr/bin/env bash
# Formats nothing and changes nothing: says whether the modules are formatted, valid, and plan as their tests say, with the
# provider that lies in the folder given. Asks no registry. `make terraform` builds the provider and runs this.
set -euo pipefail

provider=$(realpath "${1:?give the folder of terraform-provider-google}")
[[ -x $provider/terraform-provider-google ]] || { echo "no terraform-provider-google in $provider" >&2; exit 1; }
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/terraform.rc" <<RC
provider_installation {
  dev_overrides {
    "hashicorp/google" = "$provider"
  }
  filesystem_mirror {
    path = "$work/none"
  }
}
RC
export TF_CLI_CONFIG_FILE=$work/terraform.rc CHECKPOINT_DISABLE=1

terraform version | head -n 1
terraform fmt -check -recursive -diff .

for folder in examples/* modules/*; do
  echo "== $folder"
  export TF_DATA_DIR=$work/data/$folder
  (
    cd "$folder"
    terraform get > /dev/null
    # The warning about the provider's origin would hide others.
    terraform validate -json > "$work/told.json" || true
    python3 - "$work/told.json" <<'PY'
import json, sys
told = json.load(open(sys.argv[1]))
found = [d for d in told["diagnostics"] if d["summary"] != "Provider development overrides are in effect"]
for d in found:
    print(d["severity"], d["summary"], d.get("detail", ""), d.get("range", {}).get("filename", ""), file=sys.stderr)
print("valid" if told["valid"] and not found else "not valid")
sys.exit(bool(found) or not told["valid"])
PY
    if [[ -d tests ]]; then
      terraform test -no-color | grep -E '^ +run|^Success|^Failure|Error|│' || { echo "the tests have failed" >&2; exit 1; }
    fi
  )
done
