"""`make stream-demo`: a Pub/Sub emulator, the streaming job and a simulated tenant, and facts that appear.

python -m tests.stream_demo build/stream-demo
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.live.reader import newest_with_keys
from pipelines.live.store import shards_of
from tests.emulators.pubsub import OWN, running

_SPEED, _SECONDS = "1800x", 75.0


def main(folder: Path) -> int:
    """Run the demonstration; gives an exit code."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    flowfacts = [sys.executable, "-m", "pipelines.cli"]
    live = folder / "facts"
    with running(OWN, folder) as emulator:
        topic, subscription = emulator.create()
        environment = emulator.environment()
        job = subprocess.Popen(
            [*flowfacts, "stream", "--subscription", subscription, "--output", str(live), "--flush-seconds", "2",
             "--patience-seconds", "1", "--publish-seconds", "1", "--quiet"],
            env=environment,
        )  # fmt: skip
        tenant = subprocess.Popen(
            [*flowfacts, "simulate", "--output", str(folder / "tenant"), "--days", "1", "--orders-per-day", "300",
             "--start", f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}",
             "--faults", "heavy", "--publish", topic, "--speed", _SPEED, "--json"],
            env=environment, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        print(f"a tenant's day at {_SPEED}, for {_SECONDS:g} seconds; the facts are in {live}")
        try:
            until = time.monotonic() + _SECONDS
            while time.monotonic() < until and job.poll() is None:
                time.sleep(5)
                print(_line(str(live)), flush=True)
        finally:
            tenant.kill()
            tenant.wait()
            job.terminate()
            code = job.wait(timeout=60)
    print(f"the job ended with {code}; the manifest is {live}/live/manifest-00-of-01.json")
    return code


def _line(output: str) -> str:
    if shards_of(output) is None:
        return "nothing is published yet"
    found = newest_with_keys(output)
    outcomes: dict[str, int] = {}
    for outcome in found["order_flow"].column("outcome").to_pylist():
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    told = json.dumps(dict(sorted(outcomes.items())))
    return (
        f"{found['flow_event'].num_rows:6,} events; orders: {told}; {found['order_leg'].num_rows:,} legs, "
        f"{found['flow_interval'].num_rows:,} intervals"
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
