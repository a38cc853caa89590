"""Serves JupyterLab and the dbt docs, in the containers and without: python -m warehouse.notebook.serve."""

import argparse
import html
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from warehouse.base.errors import UserError
from warehouse.base.paths import DATAMART_DIR, DBT_DIR, PROJECT_DIR, dbt_run_dir

LOCALHOST = "127.0.0.1"
SECONDS_BETWEEN_LOOKS = 3
NO_DOCS_YET = (
    "<!doctype html><meta http-equiv=refresh content=2><title>dbt docs</title>"
    "<p style='font: 16px sans-serif; margin: 3em'>{}</p>"
)


def main(arguments: list[str]) -> int:
    """Run the wanted server until it is stopped; the exit code."""
    options = _read_options(arguments)
    try:
        return options.serve(options)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _read_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    lab = commands.add_parser("lab", help="JupyterLab over the project")
    lab.set_defaults(serve=serve_lab)
    docs = commands.add_parser("docs", help="dbt docs of the published datamart, kept up to date")
    docs.add_argument("--open", action="store_true", help="open them in the browser")
    docs.add_argument("--to", type=Path, metavar="FILE", help="write one page and serve nothing")
    docs.set_defaults(serve=serve_docs)
    for command in (lab, docs):
        command.add_argument("--host", default=LOCALHOST, help="address to listen on")
    check = commands.add_parser("check", help="exit code 0 when the server answers")
    check.add_argument("server", choices=("lab", "docs"))
    check.set_defaults(serve=check_server)
    return parser.parse_args(arguments)


def lab_port() -> int:
    """The port of JupyterLab: JUPYTER_PORT, else 8888."""
    return int(os.environ.get("JUPYTER_PORT") or 8888)


def docs_port() -> int:
    """The port of the dbt docs: DOCS_PORT, else 8081."""
    return int(os.environ.get("DOCS_PORT") or 8081)


def check_server(options: argparse.Namespace) -> int:
    """0 when the server on this machine answers with success, for a container's health check."""
    address = f"{lab_port()}/api" if options.server == "lab" else f"{docs_port()}/health"
    return 0 if _answers(f"http://{LOCALHOST}:{address}") else 1


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=3) as answer:
            return answer.status == 200
    except OSError:
        return False


# JupyterLab


def serve_lab(options: argparse.Namespace) -> int:
    """Run JupyterLab over the project; shows a link that works as soon as it does."""
    from jupyterlab.labapp import LabApp

    check_project_is_mine()
    # Handed on in the environment, not on the command line, where other users could read it.
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_urlsafe(24)
    os.environ |= lab_environment() | {"JUPYTER_TOKEN": token}
    threading.Thread(target=_show_link, args=(token,), daemon=True).start()
    LabApp.launch_instance(
        [
            f"--ServerApp.ip={options.host}",
            f"--ServerApp.port={lab_port()}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={PROJECT_DIR}",
            "--ServerApp.open_browser=False",
            # Where the engine itself runs without root, the container's root is the user outside.
            f"--ServerApp.allow_root={os.getuid() == 0}",
            "--Application.log_level=WARN",
        ]
    )
    return 0


def lab_environment() -> dict[str, str]:
    """With what kernels and terminals find python, dbt and the project from any folder."""
    first = {"PATH": Path(sys.executable).parent, "PYTHONPATH": PROJECT_DIR}
    return {
        name: os.pathsep.join(filter(None, (str(folder), os.environ.get(name))))
        for name, folder in first.items()
    } | {"DBT_PROJECT_DIR": str(DBT_DIR), "DBT_PROFILES_DIR": str(DBT_DIR)}


def _show_link(token: str) -> None:
    base = f"http://{LOCALHOST}:{lab_port()}"
    while not _answers(f"{base}/api"):
        time.sleep(0.3)
    print(
        f"\nJupyterLab is ready, open\n\n    {base}/lab?token={token}\n\n"
        "and in its terminal (File > New > Terminal) run: python main.py\n",
        flush=True,
    )


def check_project_is_mine() -> None:
    """Raises a UserError when this user may not write the project, or has no name.

    Both come from a container whose user is not the owner of the mounted folder.
    """
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


# dbt docs


def serve_docs(options: argparse.Namespace) -> int:
    """Serve the static docs page, built anew when a run is published or a model changes."""
    with tempfile.TemporaryDirectory(prefix="dbt_docs_") as folder:
        if options.to:
            page = build_docs(Path(folder))
            options.to.parent.mkdir(parents=True, exist_ok=True)
            options.to.write_bytes(page)
            print(f"wrote {options.to}")
            return 0
        page = DocsPage(Path(folder))
        server = ThreadingHTTPServer((options.host, docs_port()), _handler(page))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://{LOCALHOST}:{docs_port()}/"
        print(f"dbt docs: {url}, when they are built (some ten seconds)", flush=True)
        if _current_run() is None:
            print("no datamart yet: run python main.py, the docs follow by themselves", flush=True)
        if options.open:
            webbrowser.open(url)
        while True:
            if page.refresh():
                print(f"dbt docs of {page.shown_run()} are ready: {url}", flush=True)
            time.sleep(SECONDS_BETWEEN_LOOKS)


class DocsPage:
    """The static docs page, rebuilt in a folder of its own when what it shows has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._built_from: tuple | None = None
        self.html: bytes | None = None
        self.message = "The docs are being built, a moment please."
        self.is_waiting_for_a_run = False
        self.has_failed = False

    def refresh(self) -> bool:
        """Build the page if it is out of date; true when it is new."""
        state = (_current_run(), _newest_change(DBT_DIR))
        if state == self._built_from:
            return False
        self.is_waiting_for_a_run = state[0] is None
        if self.is_waiting_for_a_run:
            self.html = None
            self.message = (
                "No datamart yet. Run <code>python main.py</code>;"
                " the docs appear here as soon as its run is published."
            )
            self._built_from = state
            return False
        self.message = "The docs are being built, a moment please."
        try:
            self.html = build_docs(self._folder)
            self.has_failed = False
        except UserError as error:
            print(f"error: the docs could not be built: {error}", file=sys.stderr, flush=True)
            self.message = f"The docs could not be built: {html.escape(str(error))}"
            self.has_failed = True
        self._built_from = state
        return not self.has_failed

    def shown_run(self) -> str:
        """The run that the page shows, as text."""
        run = self._built_from[0] if self._built_from else None
        return f"run {run}"


def build_docs(folder: Path) -> bytes:
    """The dbt docs of the published datamart as one self-contained page.

    Writes below `folder` only.

    Raises:
        UserError: dbt could not build them.
    """
    command = [sys.executable, "-m", "dbt.cli.main", "docs", "generate"]
    options = {
        "--project-dir": DBT_DIR,
        "--profiles-dir": DBT_DIR,
        "--target-path": folder / "target",
        "--log-path": folder / "logs",
    }
    done = subprocess.run(
        [*command, *(str(part) for pair in options.items() for part in pair)],
        cwd=folder,
        env=os.environ | {"WAREHOUSE_HOME": str(PROJECT_DIR), "DBT_USE_COLORS": "false"},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        said = [line.strip() for line in (done.stdout or done.stderr).splitlines() if line.strip()]
        errors = [place for place, line in enumerate(said) if "Error" in line] or [-4]
        raise UserError(" ".join(said[errors[0] :])[:600] or "dbt said nothing")
    try:
        return _one_page(folder / "target").encode()
    finally:
        shutil.rmtree(folder / "target", ignore_errors=True)


def _one_page(target: Path) -> str:
    """dbt's page with all that it shows inside, and with the catalogue's figures.

    Less the links that a browser follows before the page's script fills them in: each is an error
    in the browser's console, several hundred on this project.
    """
    manifest = json.loads((target / "manifest.json").read_text())
    add_figures(manifest)
    favicon = "${require('./assets/favicons/favicon.ico')}"
    return (
        (target / "index.html")
        .read_text()
        .replace('xlink:href="{{', 'ng-attr-href="{{')
        .replace(favicon, "data:,")
        .replace('"MANIFEST.JSON INLINE DATA"', json.dumps(manifest))
        .replace('"CATALOG.JSON INLINE DATA"', (target / "catalog.json").read_text())
    )


def add_figures(manifest: dict[str, Any]) -> None:
    """Add to each feature's description what gold.feature_catalog of the run counts of it."""
    import duckdb  # late: the health check of a container needs neither

    from warehouse.base.catalog import attach
    from warehouse.reporting import queries

    with duckdb.connect() as con:
        attach(con, dbt_run_dir())
        try:
            figures = {row["feature"]: _in_figures(row) for row in queries.catalog(con)}
        except duckdb.CatalogException:  # models have changed, and the table is not built yet
            return
    for node in manifest["nodes"].values():
        for column in node["columns"].values():
            if column["config"]["meta"].get("feature_group"):
                column["description"] += "\n\n" + figures.get(column["name"], "")


def _in_figures(feature: dict[str, Any]) -> str:
    """A row of the catalogue in words."""
    said = [f"{feature['null_rate']:.1%} unknown"]
    if feature["mean"] is not None:
        mean, least, most = feature["mean"], feature["minimum"], feature["maximum"]
        said.append(f"mean {mean:,.2f}, from {least:,.2f} to {most:,.2f}")
    if feature["top_value"] is not None:
        said.append(f"most often {feature['top_value']} ({feature['top_value_share']:.0%})")
    if feature["worst_psi"] is not None:
        psi, month = feature["worst_psi"], feature["worst_psi_month"]
        said.append(f"worst drift {psi:.3f} (PSI) in {month:%Y-%m}")
    if feature["information_value"] is not None:
        said.append(f"information value {feature['information_value']:.3f}")
    if feature["auc"] is not None:
        said.append(f"AUC alone, out of time, {feature['auc']:.3f}")
    return (
        f"From {feature['source']}: {feature['point_in_time_rule']}."
        f" **In the run shown:** {'; '.join(said)}."
    )


def _current_run() -> str | None:
    """The published run's id, None before the first run."""
    try:
        return os.readlink(DATAMART_DIR / "current").rpartition("/")[2]
    except OSError:
        return None


def _newest_change(folder: Path) -> float:
    """When the newest of dbt's own files was changed."""
    return max(
        (
            path.stat().st_mtime
            for path in folder.rglob("*")
            if path.suffix in (".sql", ".yml", ".md", ".csv")
            and not {"target", "logs"} & set(path.relative_to(folder).parts)
        ),
        default=0.0,
    )


def _handler(page: DocsPage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/health":
                self._answer(500 if page.has_failed and page.html is None else 200, b"")
            elif self.path.partition("?")[0] not in ("/", "/index.html"):
                self._answer(404, b"not found")
            elif page.html is None:
                status = 200 if page.is_waiting_for_a_run else 503
                self._answer(status, NO_DOCS_YET.format(page.message).encode())
            else:
                self._answer(200, page.html)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    return Handler


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
