"""Checks addresses and ports for the servers of notebook and serving."""

import socket

from warehouse.base.errors import UserError

LOCALHOST = "127.0.0.1"


def answers(url: str) -> bool:
    """Return whether a server answers a URL with success."""
    import urllib.request  # takes a third of the start of main.py, which imports this module

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=3) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def check_port_is_free(host: str, port: int) -> None:
    """Check that a server can listen there.

    Raises:
        UserError: it cannot: the port is taken or not allowed, or the address is not of this
            machine.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"cannot listen on {host}, port {port} ({reason}): stop the program that uses the port,"
            " or choose another with --port"
        ) from error
