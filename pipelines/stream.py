"""The streaming job: Pub/Sub messages to live facts.

    ReadMessages ── DecodeMessages ──┬─ ResolveStream ─ LiveFlows ─┬─ PublishLive (Parquet)
    ReadLog (of jobs before) ────────┘       event log ────────────┘

`build` composes it on any pipeline and runner; `run` runs it on Beam's local runner until it is told to stop, or
submits it to another. Which source is read is for the runner to say (`pipelines.live.source`). On the local runner and
on engines nothing is acknowledged before it is in the event log, and a new job begins from that log.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    DebugOptions,
    GoogleCloudOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
)

from pipelines.job_server import with_stream_options
from pipelines.landing.subscription import connect
from pipelines.live import local
from pipelines.live.erasing import erased_of, read_erased
from pipelines.live.lookup import KnownFlows, KnownLinks, check_settled
from pipelines.live.pruning import prune
from pipelines.live.reader import ReadLogged, logged_events, logged_parts, shown_unresolved
from pipelines.live.signatures import signatures_remembered
from pipelines.live.sink import PublishLive, Writer
from pipelines.live.source import LOCAL_RUNNER, own_reader, read_messages
from pipelines.live.store import FOLDER, prepare
from pipelines.live.tables import dead, logged, nothing, revised, shut
from pipelines.lock import only_run
from pipelines.options import OptionError
from pipelines.storage_errors import StorageError
from schemas.live import LIVE_DAYS
from transforms.erasure import Erased, Scrubber
from transforms.event import decode_block, encode_block
from transforms.ptransforms_live import LiveFlows
from transforms.ptransforms_messages import DecodeMessages, split_key
from transforms.ptransforms_metrics import METRICS, here, reset
from transforms.ptransforms_search import ResolveStream
from transforms.rows import SECOND
from transforms.stream_revision import Life

_log = logging.getLogger(__name__)

_TURN = 0.25
_KEEP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """One streaming job.

    Attributes:
        subscription: `projects/P/subscriptions/S`; or None.
        topic: `projects/P/topics/T`, of which the runner makes a subscription; or None.
        output: output folder.
        life: how long things last.
        patience: microseconds an event waits for its flow before it is shown as unresolved.
        publish_every: microseconds from the first row to the publication.
        letters_for: microseconds for which raw bytes of dead letters are kept.
        live_for: microseconds for which the live half keeps what the settled half has, too.
        as_of: instant of the facts in microseconds; None for the time of each revision.
        shards: how many files are written at once.
        writer: where revisions go besides the files.
        settled: output of the batch job, for flows that began before the stream; None without one.
        runner: name of the Beam runner.
        beam_options: standard Beam options.
        idle_exit: end when nothing has happened for so many seconds; None to go on. Local runner only.
        tell_every: seconds between the summary lines.
    """

    subscription: str | None
    topic: str | None
    output: str
    life: Life
    patience: int = 5 * SECOND
    publish_every: int = 5 * SECOND
    letters_for: int = 90 * 86_400 * SECOND
    live_for: int = LIVE_DAYS * 86_400 * SECOND
    as_of: int | None = None
    shards: int = 1
    writer: Writer | None = None
    settled: str | None = None
    runner: str = LOCAL_RUNNER
    beam_options: tuple[str, ...] = ()
    idle_exit: float | None = None
    tell_every: float = 10.0

    @property
    def source(self) -> str:
        """Name what is read, as the events' sources name it."""
        return (self.subscription or self.topic or "").rsplit("/", 1)[-1]


def build(pipeline: beam.Pipeline, options: StreamOptions, run_id: str) -> None:
    """Compose the graph.

    Args:
        pipeline: any pipeline with an unbounded source's options.
        options: what to do.
        run_id: id of the job.
    """
    read = read_messages(options.runner, options.subscription, options.topic, options.output, options.shards)
    messages = pipeline | "ReadMessages" >> read
    decoded = messages | "Decode" >> DecodeMessages(options.source)
    arrived = decoded.events
    erased = read_erased(options.output)
    if options.settled is not None and options.settled != options.output:
        erased += erased_of(options.settled)
    if erased:
        arrived = arrived | "ReplaceErased" >> beam.Map(partial(_without_erased, erased))
    events = arrived
    if options.runner != LOCAL_RUNNER:
        before = (
            pipeline
            | "ListLog" >> beam.Create(logged_parts(options.output), reshuffle=False)
            | "SpreadLog" >> beam.Reshuffle()
            | "ReadLog" >> beam.ParDo(ReadLogged(options.output)).with_output_types(bytes)
        )
        events = (arrived, before) | "MergeLog" >> beam.Flatten()
    elif known := [encode_block(block) for block in logged_events(options.output)]:
        before = pipeline | "ListLog" >> beam.Create(known, reshuffle=False)  # one process: nothing to spread
        events = (arrived, before) | "MergeLog" >> beam.Flatten()
    live = (
        events
        | "Resolve"
        >> ResolveStream(
            options.patience,
            links=KnownLinks(options.settled) if options.settled is not None else None,
            max_waiting=options.life.max_items,
            shown=shown_unresolved(options.output),
        )
        | "Live" >> LiveFlows(options.life, KnownFlows(options.output, options.settled, erased), options.as_of)
    )
    elements = (
        arrived | "AsLogged" >> beam.Map(logged),
        decoded.rejections | "AsDead" >> beam.MapTuple(dead),
        decoded.empty | "AsNothing" >> beam.Map(nothing),
        live.revisions | "AsRevised" >> beam.Map(revised),
        live.closed | "AsShut" >> beam.MapTuple(_shut),
    )
    _ = (
        elements
        | "MergeElements" >> beam.Flatten()
        | "Publish"
        >> PublishLive(
            options.output,
            run_id,
            options.shards,
            options.publish_every,
            options.writer,
            receipts=not own_reader(options.runner),
            letters_for=options.letters_for,
            settled=options.settled,
            live_for=options.live_for,
        )
    )


def _without_erased(erased: tuple[Erased, ...], block: bytes) -> bytes:
    """Replace what was erased in a block that has arrived."""
    events = decode_block(block)
    Scrubber(erased).arriving(events)
    return encode_block(events)


def _shut(key: str, packed: bytes) -> bytes:
    return shut(*split_key(key), packed)


def pipeline_options(options: StreamOptions) -> PipelineOptions:
    """Give Beam's options: streaming, the project of the subscription, and what the engine must be told.

    Raises:
        OptionError: they name a job server that does not answer.
    """
    try:
        given = with_stream_options(options.beam_options)
    except ConnectionError as err:
        raise OptionError(f"no job server answers at --job_endpoint {err}") from err
    made = PipelineOptions(given)
    made.view_as(StandardOptions).streaming = True
    made.view_as(SetupOptions).save_main_session = False
    cloud = made.view_as(GoogleCloudOptions)
    if not cloud.project:
        cloud.project = (options.subscription or options.topic or "//").split("/")[1]
    if not own_reader(options.runner):
        # Prism splits slow bundles of keyed state, too, and works on both parts of one key at once: the state that the
        # first part has written is lost. Other runners do not know the experiment.
        made.view_as(DebugOptions).add_experiment("prism_disable_sdf_split")
    return made


def run(options: StreamOptions, run_id: str, tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Run the job; gives its last counts.

    Args:
        options: what to do.
        run_id: id of the job.
        tell: called with the counts every `tell_every` seconds.

    Raises:
        LockedError: another stream, or an erasure, works on the live half.
        SettledGoneError: the live half has dropped what a settled half had, and that is not there.
    """
    with only_run(f"{options.output}/{FOLDER}"):
        return _run(options, run_id, tell)


def _run(options: StreamOptions, run_id: str, tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    prepare(options.output, options.shards)
    check_settled(options.output, options.settled)
    for_beam = pipeline_options(options)
    cloud = for_beam.view_as(GoogleCloudOptions)
    if options.settled is not None and not (cloud.template_location or cloud.update):  # else another may be at work
        now = time.time_ns() // 1000
        try:  # what goes need not be read
            _log.info("pruned: %s", prune(options.output, options.settled, options.live_for, now, apply=True))
        except StorageError as err:  # a batch run has just replaced what was to be read
            _log.warning("nothing was pruned: %s", err)
    pipeline = beam.Pipeline(runner=options.runner, options=for_beam)
    build(pipeline, options, run_id)
    if options.runner != LOCAL_RUNNER:
        result = pipeline.run()
        template = cloud.template_location
        tell({"job": template or str(result)})
        if template:  # the graph was written there, and there is no job to wait for
            return {}
        result.wait_until_finish()
        return counts_of(result)
    return _Local(options, tell).run(pipeline)


class _Local:
    """Runs the job in this process."""

    def __init__(self, options: StreamOptions, tell: Callable[[dict[str, Any]], None]) -> None:
        self._options, self._tell = options, tell
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        life = options.life
        self._settles_after = (options.patience + life.flush_after + options.publish_every) / SECOND + 1.0

    def run(self, pipeline: beam.Pipeline) -> dict[str, Any]:
        reader = None
        if self._options.subscription is not None:
            reader = local.Reader(connect(), self._options.subscription)
        local.install(reader)
        reset()
        before = {s: signal.signal(s, self._stop) for s in (signal.SIGTERM, signal.SIGINT)}
        try:
            with signatures_remembered():
                result = pipeline.run()
                threading.Thread(target=self._await, args=(result,), daemon=True).start()
                self._watch(reader)
                counts = self._counts(reader)
                result.cancel()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            local.install(None)
        self._tell({**counts, "ended": "stopped" if self._stopping.is_set() else "idle"})
        return counts

    def _await(self, result: Any) -> None:
        """Wait for a failure, of which the local runner tells nobody else."""
        try:
            result.wait_until_finish()
        except Exception as err:  # noqa: BLE001 - the main thread raises it
            self._failure = err

    def _stop(self, *_: Any) -> None:
        self._stopping.set()

    def _counts(self, reader: local.Reader | None) -> dict[str, Any]:
        return {**_told(*here()), "unacknowledged": reader.unacknowledged if reader is not None else 0}

    def _watch(self, reader: local.Reader | None) -> None:
        """Look after the job until it has nothing to do, or is told to stop and has nothing left to publish."""
        last, changed = None, time.monotonic()
        told = kept = changed
        before: dict[str, int] = {}
        while True:
            now = time.monotonic()
            if self._failure is not None:
                raise self._failure
            counts = self._counts(reader)
            begins = reader is not None and not reader.asked and not self._stopping.is_set()
            if counts != last or begins:
                last, changed = counts, now
            if reader is not None and now - kept > _KEEP_SECONDS:
                reader.keep()
                kept = now
            if now - told >= self._options.tell_every:
                rates = {n: round((c - before.get(n, 0)) / (now - told), 2) for n, c in counts["events"].items()}
                told, before = now, counts["events"]
                self._tell({**counts, "events_per_second": {n: rate for n, rate in rates.items() if rate}})
            durable = not counts["unacknowledged"]  # else something is on its way, however long it takes
            if self._stopping.is_set():
                if reader is not None:
                    reader.stop()
                if durable and now - changed > self._settles_after:
                    return
            idle = self._options.idle_exit
            if durable and idle is not None and now - changed > idle + self._settles_after:
                return
            self._stopping.wait(_TURN) if not self._stopping.is_set() else time.sleep(_TURN)


def counts_of(result: Any) -> dict[str, Any]:
    """Give the job's metrics as its runner tells them: counters, and the distributions' mean and maximum."""
    counts: dict[str, int] = {}
    spreads: dict[str, tuple[int, int, int]] = {}
    told = result.metrics().query(beam.metrics.MetricsFilter().with_namespace(METRICS))
    for metric in told["counters"]:
        name = metric.key.metric.name
        counts[name] = counts.get(name, 0) + (metric.committed or metric.attempted or 0)
    for metric in told["distributions"]:
        value = metric.committed or metric.attempted
        if value is not None and value.count:
            spreads[metric.key.metric.name] = (value.count, value.sum, value.max)
    return _told(counts, spreads)


def _told(counts: dict[str, int], spreads: dict[str, tuple[int, int, int]]) -> dict[str, Any]:
    events = {n.removeprefix("event."): c for n, c in sorted(counts.items()) if n.startswith("event.")}
    found: dict[str, Any] = {n: c for n, c in sorted(counts.items()) if not n.startswith("event.")}
    found |= {n: {"mean": round(total / number), "max": most} for n, (number, total, most) in sorted(spreads.items())}
    found["open_flows"] = counts.get("flows_opened", 0) - counts.get("flows_closed", 0)
    found["events"] = events
    return found
