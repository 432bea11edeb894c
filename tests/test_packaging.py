"""The wheel holds one import package with its data, and works outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # A clean copy: building in the checkout would leave a build folder behind.
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(repository), str(source)], check=True)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", str(folder), str(source)], check=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True, timeout=300)
    return site


def outside(site: Path, tmp_path: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_one_package_and_its_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert all(top == "docksieve" or top.endswith(".dist-info") for top in tops), tops
    assert "docksieve/py.typed" in names
    assert "docksieve/hpc/sites/presets/local.toml" in names
    assert any(name.startswith("docksieve/data/samples/") and name.endswith(".smi") for name in names)
    assert not any("test" in name.split("/")[1] for name in names if name.count("/") > 1)


def test_every_module_imports_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = (
        "import pkgutil, importlib, docksieve, sys\n"
        "names = [m.name for m in pkgutil.walk_packages(docksieve.__path__, 'docksieve.')]\n"
        "apart = ('.demo', '_child', '.dmpnn', '.fused_layer')\n"  # programs, and modules of what need not be installed
        "[importlib.import_module(name) for name in names if not name.endswith(apart)]\n"
        "print(docksieve.__file__, len(names))\n"
    )
    where, count = outside(installed, tmp_path, "-c", code).split()
    assert Path(where).is_relative_to(installed)
    assert int(count) > 40


def test_the_command_works_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    run = ("-m", "docksieve")
    outside(installed, tmp_path, *run, "library", "enumerate", "library", "--limit", "300", "--seed", "1")
    outside(installed, tmp_path, *run, "library", "verify", "library")
    outside(installed, tmp_path, *run, "init", "campaign.toml")
    assert "EGFR" in (tmp_path / "campaign.toml").read_text()


def test_importing_the_package_is_instant_and_light(tmp_path: Path) -> None:
    code = "import sys, docksieve; print([m for m in ('torch', 'rdkit', 'parsl', 'pyarrow') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_public_face_leads_somewhere() -> None:
    import docksieve

    for name in docksieve.__all__:
        assert getattr(docksieve, name) is not None
