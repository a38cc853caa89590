"""Packs the zip that is handed in: what runs, without datamart and caches."""

import argparse
import subprocess
import zipfile
from pathlib import Path

from warehouse.base.paths import PROJECT_DIR

CONTENT = (
    "main.py",
    "Dockerfile",
    "docker-compose.yaml",
    ".dockerignore",
    ".env.example",
    "Makefile",
    "requirements.txt",
    "requirements-spark.txt",
    "README.md",
    "warehouse",
    "dbt_project",
    "data",
    "notebooks",
    "deck",
    "docs",
    "benchmarks",
)
LEFT_OUT = {
    "__pycache__",
    ".peers",
    ".ipynb_checkpoints",
    "target",
    "logs",
    "dbt_packages",
    ".user.yml",
}


def pack(zip_path: Path) -> list[str]:
    """Write the zip; returns the names in it. Readme.txt gets the link of the git remote."""
    zip_path.parent.mkdir(parents=True, exist_ok=True)
    names = ["Readme.txt"]
    with zipfile.ZipFile(zip_path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Readme.txt", readme_line() + "\n")
        for path in _files():
            name = str(path.relative_to(PROJECT_DIR))
            archive.write(path, name)
            names.append(name)
    return names


def readme_line() -> str:
    """The one line of Readme.txt: the link to the repository."""
    remote = _git_remote()
    return f"Repository: {remote}" if remote else (PROJECT_DIR / "Readme.txt").read_text().strip()


def _git_remote() -> str | None:
    """The web link of the git remote `origin`, None where there is none."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(PROJECT_DIR), "remote", "get-url", "origin"],
            capture_output=True,
            text=True,
        )
    except OSError:
        return None
    link = answer.stdout.strip().removesuffix(".git")
    if link.startswith("git@"):
        link = "https://" + link.removeprefix("git@").replace(":", "/", 1)
    return link or None


def _files() -> list[Path]:
    found = []
    for entry in (PROJECT_DIR / name for name in CONTENT):
        found += [entry] if entry.is_file() else sorted(p for p in entry.rglob("*") if p.is_file())
    return [p for p in found if not LEFT_OUT.intersection(p.relative_to(PROJECT_DIR).parts)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PROJECT_DIR / "dist" / "submission.zip")
    out = parser.parse_args().out
    count = len(pack(out))
    print(f"{out}: {count} files, {out.stat().st_size / 1e6:.1f} MB")
