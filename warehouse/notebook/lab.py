"""Starts JupyterLab over the project and prints a link that works."""

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

from warehouse.base.errors import UserError
from warehouse.base.paths import DBT_DIR, PROJECT_DIR
from warehouse.base.servers import LOCALHOST, answers, check_port_is_free


def serve_lab(host: str, port: int, datamart_dir: Path) -> int:
    """Run JupyterLab until it is stopped; returns its exit code.

    JUPYTER_TOKEN sets the token of the link, as in Jupyter itself; by default it is random.

    Raises:
        UserError: the port is taken, or the project cannot be written by this user.
    """
    check_project_is_writable()
    check_port_is_free(host, port)
    # The token goes by the environment: other users can read a command line.
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_urlsafe(24)
    options = {
        "--ServerApp.ip": host,
        "--ServerApp.port": port,
        "--ServerApp.port_retries": 0,
        "--ServerApp.root_dir": PROJECT_DIR,
        "--ServerApp.open_browser": False,
        # Where the container engine runs without root, the container's root is the user outside.
        "--ServerApp.allow_root": hasattr(os, "getuid") and os.getuid() == 0,
        "--Application.log_level": "WARN",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *(f"{name}={text}" for name, text in options.items())],
        env=os.environ | lab_environment(datamart_dir) | {"JUPYTER_TOKEN": token},
        start_new_session=True,  # Ctrl-C reaches this process alone, which ends the server
    )
    try:
        base = f"http://{LOCALHOST}:{port}"
        while server.poll() is None and not answers(f"{base}/api/status?token={token}"):
            time.sleep(0.3)
        if server.poll() is None:
            print(
                f"\nJupyterLab is ready, open\n\n    {base}/lab?token={token}\n\n"
                "and in its terminal (File > New > Terminal) run: python main.py\n",
                flush=True,
            )
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


def lab_environment(datamart_dir: Path) -> dict[str, str]:
    """Return the variables with which kernels and terminals find python, dbt and the datamart."""
    path = os.pathsep.join(filter(None, (str(Path(sys.executable).parent), os.environ.get("PATH"))))
    return {
        "PATH": path,
        "DBT_PROJECT_DIR": str(DBT_DIR),
        "DBT_PROFILES_DIR": str(DBT_DIR),
        "WAREHOUSE_DATAMART_DIR": str(datamart_dir.absolute()),
    }


def check_project_is_writable() -> None:
    """Check that this user may write the project and has a name, which Spark needs.

    Raises:
        UserError: not so, as in a container whose user is not the owner of the mounted folder.
    """
    if not hasattr(os, "getuid"):
        return
    import pwd

    owner = PROJECT_DIR.stat()
    repair = (
        f"put HOST_UID={owner.st_uid} and HOST_GID={owner.st_gid} into .env,"
        " then run: docker-compose build && docker-compose up"
    )
    if not os.access(PROJECT_DIR, os.W_OK):
        raise UserError(
            f"the project folder belongs to user {owner.st_uid} and this container works as"
            f" user {os.getuid()}, who may not write it; {repair}"
        )
    try:
        pwd.getpwuid(os.getuid())
    except KeyError as error:
        raise UserError(
            f"this container's image knows no user {os.getuid()}, which Spark needs; {repair}"
        ) from error
