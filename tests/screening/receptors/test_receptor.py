"""Receptors and boxes: what freezes, and what is refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import DockingError, DocksieveError
from docksieve.screening.docking.dock import Box, VinaTarget, freeze_target
from docksieve.screening.receptors import receptor as receptors
from docksieve.screening.receptors.receptor import (
    check_box,
    check_side,
    dockstring_names,
    find_receptor,
    hydrogens_missing,
    read_box,
    read_receptor,
)
from docksieve.workflows.cli.receptor import app
from typer.testing import CliRunner


def write_pdbqt(path: Path, count: int = 40, kind: str = "C", extra: str = "") -> Path:
    lines = [
        f"ATOM  {n + 1:5d}  C   ALA A{n + 1:4d}    {n % 4 * 1.5:8.3f}{n // 4 % 4 * 1.5:8.3f}{n // 16 * 1.5:8.3f}"
        f"  1.00  0.00     0.000 {kind}\n"
        for n in range(count)
    ]
    path.write_text(extra + "".join(lines))
    return path


BOX = "center_x = 2\ncenter_y = 2\ncenter_z = 1\nsize_x = 20\nsize_y = 20\nsize_z = 20\n"


def test_all_58_dockstring_receptors_freeze(tmp_path: Path) -> None:
    names = dockstring_names()
    assert len(names) == 58
    hashes = set()
    for name in names:
        spec = freeze_target(name, VinaTarget(receptor=f"dockstring:{name}"), tmp_path, Path())
        assert spec["box"]["size"] == [30.0, 30.0, 32.0 if name == "DRD2" else 30.0]
        hashes.add(spec["receptor_sha256"])
    assert len(hashes) == 58


def test_dockstring_itself_is_never_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from docksieve.screening.receptors.receptor import dockstring_names as f; "
        "assert f(); assert 'dockstring' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_an_unknown_dockstring_name_is_refused_with_a_guess_and_the_list(tmp_path: Path) -> None:
    with pytest.raises(DockingError, match=r"Did you mean 'EGFR'\?.*ABL1.*THRB"):
        freeze_target("t", VinaTarget(receptor="dockstring:egfr"), tmp_path, Path())
    with pytest.raises(DockingError, match="no receptor"):
        freeze_target("t", VinaTarget(receptor="dockstring:../../EGFR"), tmp_path, Path())
    assert not list(tmp_path.iterdir())


def test_without_the_package_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(receptors.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DockingError, match="pip install"):
        freeze_target("t", VinaTarget(receptor="dockstring:EGFR"), tmp_path, Path())


@pytest.mark.parametrize(
    "sidecar", ["rec.box.txt", "rec.txt", "rec_box.txt", "rec_vina_box.txt", "rec_conf.txt"]
)
def test_the_box_beside_the_receptor_is_found(tmp_path: Path, sidecar: str) -> None:
    write_pdbqt(tmp_path / "rec.pdbqt")
    (tmp_path / sidecar).write_text(BOX)
    spec = freeze_target("t", VinaTarget(receptor="rec.pdbqt", box_size=18), tmp_path / "out", tmp_path)
    assert spec["box"] == {"center": [2.0, 2.0, 1.0], "size": [18.0, 18.0, 18.0]}


def test_the_box_may_be_a_file_or_numbers(tmp_path: Path) -> None:
    write_pdbqt(tmp_path / "rec.pdbqt")
    (tmp_path / "elsewhere.conf").write_text(BOX + "exhaustiveness = 8\n")
    from_file = VinaTarget(receptor="rec.pdbqt", box="elsewhere.conf")
    numbers = VinaTarget(receptor="rec.pdbqt", box=Box((2, 2, 1), (20, 20, 20)))
    boxes = [freeze_target("t", each, tmp_path / "out", tmp_path)["box"] for each in (from_file, numbers)]
    assert boxes[0] == boxes[1]


def refused(tmp_path: Path, match: str, **settings: object) -> None:
    out = tmp_path / "out"
    with pytest.raises(DocksieveError, match=match):
        freeze_target("t", VinaTarget(**{"receptor": "rec.pdbqt", **settings}), out, tmp_path)  # type: ignore[arg-type]
    assert not list(out.glob("*"))


def test_unusable_receptors_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    box = Box((2, 2, 1), (20, 20, 20))
    refused(tmp_path, "does not exist", box=box)
    (tmp_path / "rec.pdbqt").write_text("")
    refused(tmp_path, "no atoms", box=box)
    (tmp_path / "rec.pdbqt").write_text("REMARK nothing here\nEND\n")
    refused(tmp_path, "no atoms", box=box)
    write_pdbqt(tmp_path / "rec.pdbqt", extra="ROOT\n")
    refused(tmp_path, "line 1: a ROOT record", box=box)
    write_pdbqt(tmp_path / "rec.pdbqt", extra="MODEL 1\n")
    refused(tmp_path, "MODEL", box=box)
    write_pdbqt(tmp_path / "rec.pdbqt", kind="Xx")
    refused(tmp_path, "'Xx' is not an AutoDock atom type", box=box)
    text = write_pdbqt(tmp_path / "rec.pdbqt").read_text()
    (tmp_path / "rec.pdbqt").write_text(text.replace("   1.500", "     nan", 1))
    refused(tmp_path, "not finite", box=box)
    (tmp_path / "rec.pdbqt").write_text(text.replace("   1.500", "   1.x00", 1))
    refused(tmp_path, "no readable coordinates", box=box)
    (tmp_path / "rec.pdb").write_text(text)
    refused(tmp_path, "not a PDBQT", receptor="rec.pdb", box=box)


def test_unusable_boxes_are_refused(tmp_path: Path) -> None:
    write_pdbqt(tmp_path / "rec.pdbqt")
    refused(tmp_path, "has no box")
    refused(tmp_path, "holds 0 atoms", box=Box((200, 2, 1), (20, 20, 20)))
    refused(tmp_path, "missing.txt cannot be read", box="missing.txt")
    refused(tmp_path, "box_size", box=Box((2, 2, 1), (20, 20, 20)), box_size=-1)
    (tmp_path / "box.txt").write_text(BOX.replace("size_z = 20\n", ""))
    refused(tmp_path, "lacks size_z", box="box.txt")
    (tmp_path / "box.txt").write_text(BOX + "center_x = 3\n")
    refused(tmp_path, "line 7: center_x is given twice", box="box.txt")
    (tmp_path / "box.txt").write_text(BOX.replace("size_x = 20", "size_x = 2000"))
    refused(tmp_path, "sides are between", box="box.txt")


@pytest.mark.shared
def test_receptors_from_elsewhere_are_read(shared_data: Path) -> None:
    folder = shared_data / "receptors"
    for path in [folder / "4unn_receptor.pdbqt", *sorted((folder / "covid19ddc").glob("*.pdbqt"))]:
        found, sidecar = find_receptor(str(path), Path())
        receptor = read_receptor(found)
        assert len(receptor.types) > 1000
        if sidecar is not None:
            assert check_box(receptor, read_box(sidecar)) > 100
    with pytest.raises(DockingError, match="ROOT"):
        read_receptor(shared_data / "redock" / "vina_examples" / "1iep_ligand.pdbqt")


def test_a_box_around_points_holds_them_with_its_padding() -> None:
    points = np.array([[0.0, 0.0, 0.0], [10.0, 2.0, 4.0]])
    box = Box.around(points, padding=5.0, smallest=15.0)
    assert box.center == (5.0, 1.0, 2.0)
    assert box.size == (20.0, 15.0, 15.0)
    assert box.contains(points).all()
    assert not box.contains(points + 20).any()
    assert Box.from_json(box.to_json()) == box


def test_a_receptor_without_polar_hydrogens_is_not_called_good(tmp_path: Path) -> None:
    path = write_pdbqt(tmp_path / "bare.pdbqt", kind="OA")
    (tmp_path / "bare.box.txt").write_text(BOX)
    assert "0 polar hydrogens for 40 atoms" in hydrogens_missing(read_receptor(path))
    shown = CliRunner().invoke(app, ["show", str(path)])
    assert shown.exit_code == 0 and "good" not in shown.output and "polar hydrogens" in shown.output
    assert json.loads(CliRunner().invoke(app, ["show", str(path), "--json"]).output)["warnings"]
    assert hydrogens_missing(read_receptor(write_pdbqt(tmp_path / "fat.pdbqt"))) == ""  # nothing to donate


def test_a_box_too_large_for_one_ligand_is_told() -> None:
    assert check_side(Box((0, 0, 0), (22, 22, 30))) == ""
    assert "69 x 71 x 56 angstrom" in check_side(Box((0, 0, 0), (69, 71, 56)))
