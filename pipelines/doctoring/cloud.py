"""Services: credentials, a Pub/Sub subscription, a BigQuery dataset, the platform's API."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pipelines.doctoring.findings import Finding, fail, ok, warn
from pipelines.options import OptionError

if TYPE_CHECKING:
    from pipelines.bigquery.client import Target

SIGN_IN = "run gcloud auth application-default login, or run as a service account"
EMULATORS = ("PUBSUB_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST", "STORAGE_EMULATOR_HOST", "FIREBASE_AUTH_EMULATOR_HOST")


def credentials(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look for the credentials of the environment, and try them."""
    for name in EMULATORS:
        if environ.get(name):
            yield warn("credentials", f"{name} is set: an emulator is asked, not Google", f"unset {name} in production")
    if any(environ.get(name) for name in EMULATORS[:3]):
        return
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    from pipelines.mirroring.errors import words

    try:
        found, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
        found.refresh(Request())
    except GoogleAuthError as err:
        yield fail("credentials", f"none that work ({words(err)})", SIGN_IN)
        return
    yield ok("credentials", f"{type(found).__name__}, project {project or 'not named'}")


def subscription(name: str) -> Iterator[Finding]:
    """Look at a subscription, and whether it may be pulled from; takes no message."""
    from google.api_core import exceptions as api
    from google.auth.exceptions import GoogleAuthError

    from pipelines.landing.calls import explain, first_line
    from pipelines.landing.options import _NAME
    from pipelines.landing.subscription import connect

    if not _NAME.match(name):
        yield fail("subscription", f"{name!r} is no subscription", "give projects/PROJECT/subscriptions/SUBSCRIPTION")
        return
    try:
        client = connect()
    except GoogleAuthError as err:
        yield fail("subscription", first_line(err), SIGN_IN)
        return
    try:
        found = client.get_subscription(subscription=name, timeout=20, retry=None)
        topic = str(found.topic)
        if topic == "_deleted-topic_":
            yield fail("subscription", f"the topic of {name} is deleted", "make topic and subscription again")
        else:
            days = found.message_retention_duration.total_seconds() / 86400
            kept = f", keeps messages for {days:g} days" if days else ""
            yield ok("subscription", f"{name} of {topic}{kept}")
        if found.push_config.push_endpoint:
            yield fail("subscription", f"{name} pushes", "make one that is pulled from")
        if found.filter:
            yield warn("subscription", f"{name} has the filter {found.filter}", "what it leaves out is no fact")
    except api.PermissionDenied:
        yield warn(
            "subscription",
            f"{name} can't be looked at",
            "fine when it may be pulled from; roles/pubsub.viewer shows",
        )
    except (api.GoogleAPICallError, GoogleAuthError) as err:
        yield fail("subscription", explain(err, name), "see what the message says")
        return
    wanted = ["pubsub.subscriptions.consume"]
    try:
        held = client.test_iam_permissions(request={"resource": name, "permissions": wanted}, timeout=20)
    except (api.MethodNotImplemented, api.Unknown):
        yield ok("subscription", "whether it may be pulled from is not told by this server")
    except (api.GoogleAPICallError, GoogleAuthError) as err:
        yield fail("subscription", first_line(err), "give the job roles/pubsub.subscriber on the subscription")
    else:
        if list(held.permissions) == wanted:
            yield ok("subscription", "may be pulled from")
        else:
            yield fail("subscription", f"no permission to pull from {name}", "give the job roles/pubsub.subscriber")
    finally:
        client.close()


def dataset(name: str) -> Iterator[Finding]:
    """Compare a dataset with its declaration, and try its permissions without a change."""
    from pipelines.bigquery.client import BigQueryError, connect

    roles = "the roles that are needed are in schemas/docs/bigquery.md"
    try:
        target = connect("--bigquery", name)
    except OptionError as err:
        yield fail("dataset", str(err), roles)
        return
    target.attempts, target.seconds = 2, 20
    with contextlib.closing(target.client):
        try:
            yield from _declared(target)
        except BigQueryError as err:
            yield fail("dataset", str(err), roles)


def _declared(target: Target) -> Iterator[Finding]:
    from google.api_core import exceptions as api
    from google.cloud import bigquery

    from pipelines.bigquery.apply import find_dataset, plan

    name = target.name
    apply = f"flowfacts bigquery apply --dataset {name}"
    if not find_dataset(target):
        yield fail("dataset", f"{name} is not there", apply)
        return
    changes = plan(target)
    breaking = [c for c in changes if c.breaking]
    if breaking:
        yield fail("dataset", f"{breaking[0].table}: {breaking[0].detail}", str(breaking[0].way))
        return
    if changes:
        told = "; ".join(f"{c.table or name}: {c.detail}" for c in changes[:3])
        yield fail("dataset", f"{len(changes)} differences: {told}", apply)
        return
    yield ok("dataset", f"{name} is as declared, in {target.location}")
    # A dry run is checked like a run: it takes bigquery.jobs.create and bigquery.tables.updateData.
    config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
    sql = f"DELETE FROM `{target.table('flowfacts_load')}` WHERE FALSE"
    try:
        target.client.query(sql, job_config=config, retry=None, job_retry=None, timeout=20, location=target.location)
    except api.Forbidden:
        yield fail(
            "dataset", "no permission to run jobs or to write",
            "give the job roles/bigquery.jobUser on the project and roles/bigquery.dataEditor on the dataset",
        )  # fmt: skip
    except api.GoogleAPICallError as err:
        yield fail("dataset", f"a dry run fails: {type(err).__name__}", "see flowfacts bigquery plan --verbose")
    else:
        yield ok("dataset", "may be queried and written to")


def platform(
    base_url: str, project: str | None, topic: str | None, file: str | None, secret: str | None
) -> Iterator[Finding]:
    """Sign in at the platform and look at its subscriptions."""
    from pipelines.subscribing.credentials import find
    from pipelines.subscribing.options import SubscribeOptions
    from pipelines.subscribing.plan import make_plan
    from pipelines.subscribing.platform import Platform, PlatformError

    options = SubscribeOptions(
        base_url, project or "my-project", topic or "flowfacts", credentials=file, credentials_secret=secret
    )
    try:
        options.check()
        api = Platform.connect(base_url, find(options, os.environ))
        api.attempts, api.seconds = 2, 15
        with contextlib.closing(api):
            existing = api.subscriptions()
    except (OptionError, PlatformError) as err:
        yield fail("platform", str(err), "flowfacts subscribe --help tells where the credentials are looked for")
        return
    yield ok("platform", f"{base_url} takes the credentials: {len(existing):,} subscriptions")
    if project is None or topic is None:
        return
    plan = make_plan(options, existing)
    if plan.steps:
        told = f"{plan.kept} of {len(options.events())} events come to {project}/{topic}; {len(plan.steps)} steps to do"
        again = f"flowfacts subscribe --base-url {base_url} --project {project} --topic {topic} --apply"
        yield warn("platform", told, again)
    else:
        yield ok("platform", f"all {plan.kept} events come to {project}/{topic}")
