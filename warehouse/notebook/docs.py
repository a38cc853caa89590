"""Serves the dbt docs of the published datamart as one page, kept up to date."""

import functools
import html
import subprocess
import sys
import tempfile
import time
import webbrowser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from warehouse.base.errors import UserError
from warehouse.base.files import write_text
from warehouse.base.layout import Datamart
from warehouse.base.paths import DBT_DIR
from warehouse.base.servers import LOCALHOST, check_port_is_free
from warehouse.transform.dbt_options import run_options, run_variables

SECONDS_BETWEEN_CHECKS = 1
LINEAGE = (
    "#!/overview?g_v=1&g_e=tag:test%20config.tags:test"  # the lineage graph, without the tests
)
WAITING = (
    "<!doctype html><meta http-equiv=refresh content=2><title>dbt docs</title>"
    "<p style='font: 16px sans-serif; margin: 3em'>{}</p>"
)
SMALLEST_PAGE = 100_000  # bytes; less is a line of text until there is a page
NO_DATAMART = "No datamart yet. Run <code>python main.py</code>; the docs follow by themselves."


def serve_docs(datamart_dir: Path, host: str, port: int, open_browser: bool) -> None:
    """Serve the page until stopped; it is built again when a run is published or a model changes.

    Raises:
        UserError: the port is taken.
    """
    check_port_is_free(host, port)
    datamart = Datamart(datamart_dir.absolute())
    with tempfile.TemporaryDirectory(prefix="dbt_docs_") as folder:
        page = Path(folder) / "index.html"
        write_text(page, WAITING.format("The docs are being built, a moment please."))
        handler = functools.partial(_QuietHandler, directory=folder)
        with ThreadingHTTPServer((host, port), handler) as server:
            url = f"http://{LOCALHOST}:{port}/{LINEAGE}"
            print(f"dbt docs: {url}", flush=True)
            if open_browser:
                webbrowser.open(url)
            Thread(target=_keep_current, args=(page, datamart), daemon=True).start()
            server.serve_forever()


def _keep_current(page: Path, datamart: Datamart) -> None:
    """Build the page whenever it is out of date."""
    built_from: object = None
    while True:
        run_dir = datamart.current_run()
        state = (run_dir, _newest_change(DBT_DIR))
        if state != built_from:
            built_from = state
            _renew(page, run_dir)
        time.sleep(SECONDS_BETWEEN_CHECKS)


def _renew(page: Path, run_dir: Path | None) -> None:
    """Build the page of a run; where that fails, an older page stays."""
    if run_dir is None:
        write_text(page, WAITING.format(NO_DATAMART))
        print("no datamart yet: run python main.py, the docs follow", flush=True)
        return
    try:
        write_text(page, build_page(run_dir))
        print("dbt docs are ready", flush=True)
    except UserError as error:
        if page.stat().st_size < SMALLEST_PAGE:
            write_text(page, WAITING.format(html.escape(str(error))))
        print(f"error: {error}", file=sys.stderr, flush=True)


def write_docs(datamart_dir: Path, target: Path) -> None:
    """Write the page into a file.

    Raises:
        UserError: nothing is published yet, or dbt cannot build the docs.
    """
    run_dir = Datamart(datamart_dir.absolute()).current_run()
    if run_dir is None:
        raise UserError(f"no datamart in {datamart_dir}: run `python main.py` once first")
    page = build_page(run_dir)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_text(target, page)


def build_page(run_dir: Path) -> str:
    """Return the dbt docs of a published run as one self-contained page.

    Raises:
        UserError: dbt, in a process of its own, cannot build it.
    """
    with tempfile.TemporaryDirectory(prefix="dbt_docs_target_") as folder:
        dbt = (sys.executable, "-m", "dbt.cli.main", "--no-use-colors")
        options = run_options(run_dir, Path(folder), run_variables())
        done = subprocess.run(
            [*dbt, "docs", "generate", "--static", *options, "--log-path", folder],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            raise UserError(f"dbt cannot build the docs: {_reason(done.stdout)}")
        return (Path(folder) / "static_index.html").read_text(encoding="utf-8")


def _reason(output: str) -> str:
    """Return the error in dbt's output, in one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    first = next((number for number, line in enumerate(lines) if "Error" in line), -4)
    return " ".join(lines[first:])[:600] or "it gives no reason"


def _newest_change(folder: Path) -> float:
    """Return when the newest of the project's own dbt files was changed."""
    files = (path for part in ("models", "macros") for path in (folder / part).rglob("*.*"))
    return max((path.stat().st_mtime for path in files), default=0.0)


class _QuietHandler(SimpleHTTPRequestHandler):
    """Serves one folder without a line per request; browsers ask again for each page."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *arguments: object) -> None:
        pass
