"""Serves the dashboard until it is stopped."""

from __future__ import annotations

import contextlib
import socket
from zoneinfo import ZoneInfo

import uvicorn

from pipelines.dashboard.app import Dashboard
from pipelines.doors import Door
from pipelines.options import OptionError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(door: Door, host: str, port: int, zone: ZoneInfo | None) -> None:
    """Serve until Ctrl-C.

    Args:
        door: the warehouse.
        host: address to listen on.
        port: 0 is any free one.
        zone: time zone of the facilities.

    Raises:
        OptionError: the address is taken, or none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)  # so that whoever reads the address below finds it open
    except OSError as err:
        listener.close()
        raise OptionError(f"can't listen on {host}, port {port}: {err.strerror}; name another with --port") from err
    # Asked by another name, a page elsewhere could have pointed its own name here; other addresses are their owner's.
    hosts = ["127.0.0.1", "localhost", "[::1]"] if host in LOOPBACK else ["*"]
    app = Dashboard(door, zone).application(hosts)
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="off")
    shown = f"[{host}]" if ":" in host else host
    print(
        f"flowfacts dashboard of {door.name}: http://{shown}:{listener.getsockname()[1]}  (Ctrl-C stops it)", flush=True
    )
    with listener, contextlib.suppress(KeyboardInterrupt):  # uvicorn ends in peace, then passes the signal on
        uvicorn.Server(config).run(sockets=[listener])
