"""`flowfacts subscribe`: its options, and how its result is told."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from pipelines.subscribing.options import FLOWS, PREFIX

DESCRIPTION = """\
Subscribe to the events of the flows: the platform then publishes them to a Pub/Sub topic of yours, from which
flowfacts land and flowfacts stream read.

Shows what is missing, and changes nothing; --apply does it. Safe to repeat: what is there as it should be stays, what
has another topic is replaced, the new one first, and subscriptions of others are never touched. Ours are known by their
names, PREFIX-EVENT. --remove shows, and with --apply removes, all of ours.

The platform must be allowed to publish to the topic: give its service account roles/pubsub.publisher on it.

Credentials: FLOWFACTS_API_KEY, FLOWFACTS_API_USER and FLOWFACTS_API_PASSWORD in the environment (or
FLOWFACTS_API_TOKEN, an id token that is at hand), or a JSON object with apiKey, user and password in a file or in
Secret Manager. They are never shown.

examples:
  flowfacts subscribe --base-url https://TENANT.api.fulfillmenttools.com --project my-project --topic flowfacts
  flowfacts subscribe --base-url https://TENANT.api.fulfillmenttools.com --project my-project --topic flowfacts --apply
  flowfacts subscribe --base-url https://TENANT.api.fulfillmenttools.com --project my-project --topic flowfacts \\
      --credentials-secret projects/my-project/secrets/platform/versions/latest --flow order --facility F1 --apply
  flowfacts subscribe --base-url https://TENANT.api.fulfillmenttools.com --project my-project --topic flowfacts \\
      --remove --apply

exit codes: 0 everything is as wanted; 1 failed, or something could not be done (the platform allows five subscriptions
of an event); 2 bad arguments, or no credentials; 6 something is to be done, and --apply was not given.
"""

OK, FAILED, DIFFERS = 0, 1, 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    parser.add_argument("--base-url", required=True, metavar="URL", help="address of the platform's API")
    parser.add_argument("--project", required=True, metavar="PROJECT", help="Google Cloud project of the topic")
    parser.add_argument("--topic", required=True, metavar="TOPIC", help="id of the topic to publish to")
    parser.add_argument("--apply", action="store_true", help="do what is shown")
    parser.add_argument("--remove", action="store_true", help="remove our subscriptions instead")
    parser.add_argument(
        "--flow", action="append", default=[], choices=FLOWS, help="only events of this flow; may be repeated"
    )
    parser.add_argument(
        "--facility", action="append", default=[], metavar="ID", help="only of this facility; may be repeated"
    )
    parser.add_argument(
        "--facility-group", action="append", default=[], metavar="ID", help="only of this group; may be repeated"
    )
    parser.add_argument(
        "--name-prefix", default=PREFIX, metavar="PREFIX", help=f"what our names begin with (default: {PREFIX})"
    )
    keys = parser.add_argument_group("credentials, if not in the environment")
    keys.add_argument("--credentials", metavar="FILE", help="in a file")
    keys.add_argument("--credentials-secret", metavar="NAME", help="in Secret Manager: projects/P/secrets/S/versions/V")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--verbose", action="store_true", help="log failed calls, and tracebacks")


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    import contextlib

    from pipelines.subscribing.apply import carry_out, look
    from pipelines.subscribing.credentials import find
    from pipelines.subscribing.options import SubscribeOptions
    from pipelines.subscribing.platform import Platform, PlatformError

    options = SubscribeOptions(
        base_url=args.base_url,
        project=args.project,
        topic=args.topic.removeprefix(f"projects/{args.project}/topics/"),
        prefix=args.name_prefix,
        flows=tuple(args.flow),
        facilities=tuple(args.facility),
        facility_groups=tuple(args.facility_group),
        credentials=args.credentials,
        credentials_secret=args.credentials_secret,
    )
    options.check()
    platform = Platform.connect(options.base_url, find(options, os.environ))
    try:
        with contextlib.closing(platform):
            if args.apply:
                done = carry_out(options, platform, remove=args.remove, tell=_teller(args))
                return _end(args, done.as_dict(), [f"{s.event}: {s.why}" for s in done.left])
            plan = look(options, platform, remove=args.remove)
    except PlatformError as err:
        print(f"flowfacts subscribe: {err}", file=sys.stderr)
        return FAILED
    if args.json:
        print(json.dumps(plan.as_dict(), indent=1))
    elif not args.quiet:
        for step in plan.steps:
            print(f"{step.about:8}{step.name}: {step.why}")
        counts = {a: sum(s.about == a for s in plan.steps) for a in ("create", "remove", "blocked")}
        told = ", ".join(f"{n} to {a}" if a != "blocked" else f"{n} blocked" for a, n in counts.items() if n)
        print(f"{told or 'nothing to do'}; {plan.kept} as wanted, {plan.others} of others")
        if told:
            print("nothing was changed; --apply does it")
    return DIFFERS if plan.steps else OK


def _teller(args: argparse.Namespace) -> Any:
    def tell(step: Any) -> None:
        if not args.quiet and not args.json:
            print(f"{step.about:8}{step.name}: {step.why}", flush=True)

    return tell


def _end(args: argparse.Namespace, done: dict[str, Any], left: list[str]) -> int:
    if args.json:
        print(json.dumps(done, indent=1))
    elif not args.quiet:
        changed = f"{len(done['made'])} made, {len(done['removed'])} removed"
        print(f"{changed}; {done['kept']} as wanted, {done['others']} of others")
    for line in left:
        print(f"flowfacts subscribe: {line}", file=sys.stderr)
    return FAILED if left else OK
