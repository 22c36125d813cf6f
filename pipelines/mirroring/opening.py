"""Opens the destination that the options name."""

from __future__ import annotations

from pipelines.mirroring.destination import Destination, Stop
from pipelines.mirroring.folder import Folder
from pipelines.mirroring.options import MirrorOptions
from pipelines.mirroring.own_bucket import OwnBucket


def open_destination(options: MirrorOptions, stop: Stop) -> Destination:
    """Give the destination of a mirror; changes nothing yet.

    Raises:
        MirrorError: it can't be used.
    """
    target = options.target
    if target is None:
        return Folder(options, stop)
    return OwnBucket(options, target, stop)
