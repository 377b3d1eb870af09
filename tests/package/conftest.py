"""The npm package as its users have it: packed, unpacked into an app's node_modules, and built."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from wasmkiln.devserver.site import Site

from tests.package.models import write_models
from tests.prepared import CACHE, node_modules, page_site
from tests.shared import ROOT
from tests.web.conftest import serving

HERE = Path(__file__).parent
TIMEOUT = 240  # seconds for one command of npm or a bundler
# What webpack's command line does, for which there is a package of its own.
WEBPACK = """
import webpack from 'webpack';
const output = { path: `${process.cwd()}/webpack` };
webpack({ mode: 'production', entry: './main.js', output }, (error, stats) => {
    if (error || stats.hasErrors()) throw error ?? new Error(stats.toString('errors-only'));
});
"""


def command(arguments: list[str], folder: Path) -> str:
    """What a command prints; its messages are in the error if it fails."""
    done = subprocess.run(
        arguments,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT,
        text=True,
    )
    assert done.returncode == 0, f"{' '.join(arguments)}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what gets packed: packing writes into web/, which other tests read meanwhile."""
    page_site()  # so that packing finds all in .cache, and writes nothing there
    modules = node_modules(ROOT / "tests" / "web")
    folder = tmp_path_factory.mktemp("sources")
    for name in ("py", "web"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / ".cache").symlink_to(CACHE)
    (folder / "tests" / "web").mkdir(parents=True)
    (folder / "tests" / "web" / "node_modules").symlink_to(modules)
    return folder


@pytest.fixture(scope="session")
def tarball(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `npm pack` makes of web/."""
    target = tmp_path_factory.mktemp("tarball")
    command(["npm", "pack", "--pack-destination", str(target)], sources / "web")
    (packed,) = target.glob("*.tgz")
    return packed


@pytest.fixture(scope="session")
def bundlers() -> Path:
    """node_modules with the pinned bundlers and Pyodide, as locked."""
    return node_modules(HERE)


@pytest.fixture(scope="session")
def app(tarball: Path, bundlers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app that has the package among its node_modules, and models among its public files."""
    folder = tmp_path_factory.mktemp("app")
    shutil.copytree(HERE / "app", folder, dirs_exist_ok=True)
    for file in (HERE / "package.json", *HERE.glob("*.ts")):
        shutil.copy(file, folder)
    modules = folder / "node_modules"
    modules.mkdir()
    for entry in bundlers.iterdir():
        if entry.name == "pyodide":  # Development servers give out what lies in the app's folder.
            shutil.copytree(entry, modules / entry.name)
        else:
            (modules / entry.name).symlink_to(entry)
    unpack(tarball, modules / "wasmkiln")
    write_models(folder / "public")
    return folder


def unpack(tarball: Path, folder: Path) -> None:
    """What npm does with a package that has no dependencies."""
    with tarfile.open(tarball) as archive:
        archive.extractall(folder.parent, filter="data")
    (folder.parent / "package").rename(folder)


@pytest.fixture(scope="session")
def vite(app: Path) -> Path:
    """The app as Vite builds it, without configuration."""
    command(["node_modules/.bin/vite", "build", "--outDir", "vite"], app)
    return app / "vite"


@pytest.fixture(scope="session")
def webpack(app: Path) -> Path:
    """The app as webpack builds it, without configuration."""
    command(["node", "--input-type=module", "-e", WEBPACK], app)
    shutil.copytree(app / "public", app / "webpack", dirs_exist_ok=True)
    shutil.copy(app / "index.html", app / "webpack")
    return app / "webpack"


@pytest.fixture(scope="session")
def vite_dev(app: Path) -> Iterator[str]:
    """The address of Vite's development server, without configuration."""
    arguments = ["node_modules/.bin/vite", "--host", "127.0.0.1", "--port", "0"]
    plain = {**os.environ, "NO_COLOR": "1"}  # in CI it would print in colours, even to a pipe
    with subprocess.Popen(
        arguments,
        cwd=app,
        env=plain,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            lines = iter(server.stdout.readline, "")
            yield next(line.split("Local:")[1].strip() for line in lines if "Local:" in line)
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an app, by how it was built; built ones are isolated, under our page's CSP."""
    if request.param == "vite_dev":
        yield request.getfixturevalue("vite_dev")
        return
    with serving(Site(request.getfixturevalue(request.param)), isolated=True) as url:
        yield url
