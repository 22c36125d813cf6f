#!/usr/bin/env bash
# Installs flowfacts on this machine, or brings it up to date, from the source tree that this script lies in. Run it as root.
#
#   deploy/systemd/install.sh                  # programs, user, folders, units; starts nothing
#   $EDITOR /etc/flowfacts/flowfacts.toml
#   sudo -u flowfacts FLOWFACTS_CONFIG=/etc/flowfacts/flowfacts.toml /opt/flowfacts/.venv/bin/flowfacts config check
#   systemctl enable --now flowfacts-{mirror,batch,status}.timer flowfacts-dashboard.service
#
# ROOT=/somewhere installs below that folder and makes no user, for a package or a look. A configuration that is there stays.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

root=${ROOT:-}
python=${PYTHON:-python3}
place=$root/opt/flowfacts
[[ -n $root || $(id -u) -eq 0 ]] || { echo "run it as root, or with ROOT=/somewhere" >&2; exit 1; }
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 12))' \
  || { echo "$python is not Python 3.11, which the lock is for; set PYTHON=/path/to/one" >&2; exit 1; }

# Beside what runs, and put in its place in one step: a job that runs meanwhile keeps what it has.
new=$place/.venv-$(date -u +%Y%m%dT%H%M%S)
install -d -m 0755 "$place"
"$python" -m venv "$new"
pip=("$new/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps)
"${pip[@]}" --require-hashes -r deploy/containers/build.lock
"${pip[@]}" --require-hashes --no-build-isolation -r deploy/containers/jobs.lock
"${pip[@]}" --no-build-isolation .
"$new/bin/python" -m pip check --quiet --disable-pip-version-check
ln -sfn "$(basename "$new")" "$place/.venv.new"
mv -T "$place/.venv.new" "$place/.venv"
# The one before stays, to go back to; older ones go.
find "$place" -maxdepth 1 -name '.venv-*' | sort | head -n -2 | xargs -r rm -rf

install -D -m 0644 deploy/systemd/flowfacts.sysusers "$root/usr/lib/sysusers.d/flowfacts.conf"
install -D -m 0644 deploy/systemd/flowfacts.tmpfiles "$root/usr/lib/tmpfiles.d/flowfacts.conf"
for unit in deploy/systemd/*.service deploy/systemd/*.timer; do
  install -D -m 0644 "$unit" "$root/etc/systemd/system/$(basename "$unit")"
done
[[ -e $root/etc/flowfacts/flowfacts.toml ]] \
  || install -D -m 0640 deploy/systemd/flowfacts.toml "$root/etc/flowfacts/flowfacts.toml"

if [[ -z $root ]]; then
  systemd-sysusers flowfacts.conf
  systemd-tmpfiles --create flowfacts.conf
  chgrp flowfacts /etc/flowfacts/flowfacts.toml
  systemctl daemon-reload
fi
"$place/.venv/bin/flowfacts" --version
