"""Where the stream's messages come from; the runner decides, not the user."""

from __future__ import annotations

from typing import Any

from apache_beam.io.gcp.pubsub import ReadFromPubSub

from pipelines.live.pulling import PullMessages, Reading
from pipelines.options import OptionError

LOCAL_RUNNER = "BundleBasedDirectRunner"

HAVE_A_READER = {LOCAL_RUNNER, "DirectRunner", "SwitchingDirectRunner", "DataflowRunner"}
"""Runners that replace Python's `ReadFromPubSub` by a reader of theirs. The others would fail, or read nothing."""


def own_reader(runner: str) -> bool:
    """Tell whether a runner reads Pub/Sub by itself."""
    return runner.rsplit(".", 1)[-1] in HAVE_A_READER


def read_messages(runner: str, subscription: str | None, topic: str | None, output: str, shards: int) -> Any:
    """Give the transform that reads the messages on a runner.

    Raises:
        OptionError: the runner can't read a topic.
    """
    if own_reader(runner):
        return ReadFromPubSub(topic=topic, subscription=subscription, with_attributes=True)
    if subscription is None:
        raise OptionError(
            f"--topic is {topic!r}, but {runner} makes no subscription by itself; expected --subscription (make one: "
            f"gcloud pubsub subscriptions create NAME --topic {topic})"
        )
    return PullMessages(Reading(subscription, output.rstrip("/"), shards), readers=shards)
