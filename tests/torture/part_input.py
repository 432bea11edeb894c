"""Mutated input of every kind: no traceback, no hang, totals that add up; RDKit is the second opinion on molecules.

Each case runs in a process of its own, since outside libraries can end a process.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ground import Ground, run, traced
from mutations import mutated, mutated_toml
from records import bundle_input, manifest_input, reactions_input, receipt_input, scheduler_input, site_input

LINES = 1500
"""Molecule lines in one case."""
PROCESS_SECONDS = 240


def seeds_of_molecules() -> list[str]:
    """Return real molecule lines to mutate: of the samples, the examples, and the data beside the checkout."""
    from docksieve.data.enumeration.product_space import SAMPLES
    from example_campaign import amides

    lines = [line for path in sorted(SAMPLES.glob("*.smi")) for line in path.read_text().splitlines()]
    lines += [f"{smiles} A{row}" for row, smiles in enumerate(amides())]
    beside = Path(os.environ.get("DOCKSIEVE_DATA", Path(__file__).parents[3] / "shared" / "data"))
    for name in ("messy/rdkit_first_5K.smi", "libraries/chembl_drugs.smi"):
        if (beside / name).is_file():
            lines += (beside / name).read_text(errors="replace").splitlines()
    lines += [
        "C[C@H](O)[C@@H](N)C |&1:1,3,r| racemate",
        "OC1CC[C@H](O)CC1 |o1:4| either",
        "[Na+].CC(=O)[O-] salt",
        "CC(C)(C)[P+](C)(C)C.[I-] ions",
    ]
    return [line for line in lines if line.strip()]


def draw(rng: random.Random, ground: Ground) -> dict[str, Any]:
    """Return a case: the kind of input, and the seed of its mutations."""
    kinds = ("molecules", "molecules", "molecules", "sdf", "table", "scores", "campaign", "site", "reactions", "bundle",
             "manifest", "receipt", "scheduler")  # fmt: skip
    return {"kind": rng.choice(kinds), "seed": rng.getrandbits(48), "take": None}


def judge(case: dict[str, Any], ground: Ground, place: Path) -> tuple[list[str], int]:
    """Run a case in a process of its own; return faults and how many inputs were tried."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    answer = place / "answer.json"
    pid = os.fork()
    if pid == 0:
        os.setsid()
        try:
            faults, tried = KINDS[case["kind"]](random.Random(case["seed"]), ground, place, case["take"])
        except BaseException as error:
            last = "".join(traceback.format_exception(error)).strip().splitlines()[-8:]
            faults, tried = [f"{case['kind']}: {' | '.join(line.strip() for line in last)[-900:]}"], 0
        answer.write_text(json.dumps([faults, tried]))
        os._exit(0)
    until = time.monotonic() + PROCESS_SECONDS
    while time.monotonic() < until:
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        time.sleep(0.02)
    else:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return [f"{case['kind']}: no end after {PROCESS_SECONDS} s"], 0
    if not answer.exists():
        return [f"{case['kind']}: the process died (wait status {code})"], 0
    faults, tried = json.loads(answer.read_text())
    return faults, tried


def _molecules(
    rng: random.Random, ground: Ground, place: Path, take: list[int] | None
) -> tuple[list[str], int]:
    from docksieve.data.libraries.library import Library
    from docksieve.data.molecules.parse import rdkit_messages
    from rdkit import Chem

    known = seeds_of_molecules()
    lines = [
        mutated(rng, rng.choice(known), known).replace("\n", " ").replace("\r", " ") for _ in range(LINES)
    ]
    lines = ["CCO first", *(lines if take is None else [lines[at] for at in take])]
    (place / "in.smi").write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
    code, out, errors = run(
        "library",
        "build",
        str(place / "lib"),
        str(place / "in.smi"),
        "--workers",
        "1",
        "--quiet",
        "--no-header",
    )
    if trace := traced(code, out, errors):
        return [f"molecules: {trace}"], len(lines)
    if code:
        return [], len(lines)
    library = Library.open(place / "lib")
    counts, faults = library.manifest["counts"], []
    if counts["lines"] != len(lines):
        faults.append(f"molecules: {counts['lines']} of {len(lines)} lines read")
    library.verify()
    with rdkit_messages():
        rows = library.take(list(range(library.rows)), ["smiles", "heavy_atoms"]).to_pylist()
        for row in rows:
            molecule = Chem.MolFromSmiles(row["smiles"])
            if molecule is None or molecule.GetNumHeavyAtoms() != row["heavy_atoms"]:
                faults.append(f"molecules: RDKit does not agree on {row['smiles']!r}")
    return faults[:3], len(lines)


def _sdf(rng: random.Random, ground: Ground, place: Path, take: list[int] | None) -> tuple[list[str], int]:
    from docksieve.data.libraries.library import Library
    from example_campaign import amides
    from rdkit import Chem

    blocks = []
    for number, smiles in enumerate(rng.sample(amides(), 60)):
        molecule = Chem.MolFromSmiles(smiles)
        block = Chem.MolToV3KMolBlock(molecule) if rng.random() < 0.4 else Chem.MolToMolBlock(molecule)
        lines = f"M{number}{block}> <ID>\nM{number}\n\n".split("\n")
        for _ in range(rng.choice((0, 1, 1, 3))):
            at = rng.randrange(len(lines))
            way = rng.randrange(4)
            if way == 0:
                del lines[at]
            elif way == 1:
                lines.insert(at, rng.choice(lines))
            else:
                lines[at] = mutated(rng, lines[at], lines) if lines[at] else "x"
        blocks.append("\n".join(line for line in lines if not line.startswith("$$$$")) + "\n$$$$\n")
    (place / "in.sdf").write_bytes("".join(blocks).encode("utf-8", "surrogateescape"))
    code, out, errors = run(
        "library", "build", str(place / "lib"), str(place / "in.sdf"), "--workers", "1", "--quiet"
    )
    if trace := traced(code, out, errors):
        return [f"sdf: {trace}"], len(blocks)
    faults = []
    if code == 0:
        library = Library.open(place / "lib")
        library.verify()
        if library.manifest["counts"]["records"] != len(blocks):
            faults.append(f"sdf: {library.manifest['counts']['records']} of {len(blocks)} records")
    return faults, len(blocks)


def _table(rng: random.Random, ground: Ground, place: Path, take: list[int] | None) -> tuple[list[str], int]:
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet as pq
    from example_campaign import amides

    smiles = amides()[:40]
    kinds: list[Callable[[], pa.Array]] = [
        lambda: pa.array(smiles),
        lambda: pa.array(smiles, pa.large_string()),
        lambda: pa.array(smiles).dictionary_encode(),
        lambda: pa.array([text.encode() for text in smiles], pa.binary()),
        lambda: pa.array([[text] for text in smiles]),
        lambda: pa.array([{"smiles": text} for text in smiles]),
        lambda: pa.array(range(40), pa.int16()),
        lambda: pa.array([float(x) for x in range(40)]),
        lambda: pa.array(range(40), pa.timestamp("s")),
        lambda: pa.array([x % 2 == 0 for x in range(40)]),
        lambda: pa.nulls(40),
        lambda: pa.array([None if x % 3 else text for x, text in enumerate(smiles)]),
        lambda: pa.array([[("a", text)] for text in smiles], pa.map_(pa.string(), pa.string())),
        lambda: pa.array(range(40), pa.decimal128(9, 0)),
    ]
    names = rng.sample(["smiles", "SMILES", "id", "structure", "x", "", "canonical_smiles", "a b", "=1+1"], 3)
    table = pa.table({name: rng.choice(kinds)() for name in names})
    path = place / "in.parquet"
    if rng.random() < 0.5:
        pq.write_table(table, path)
    else:
        path = place / "in.feather"
        pyarrow.feather.write_feather(table, path)
    if rng.random() < 0.3:
        content = path.read_bytes()
        at = rng.randrange(len(content))
        path.write_bytes(content[:at] + bytes(min(8, len(content) - at)) + content[at + 8 :])
    code, out, errors = run("library", "build", str(place / "lib"), str(path), "--workers", "1", "--quiet")
    trace = traced(code, out, errors)
    return [f"table {table.schema.names} {[str(t) for t in table.schema.types]}: {trace}"] if trace else [], 1


def _dry(place: Path, kind: str, *more: str) -> list[str]:
    code, out, errors = run("submit", str(place / "campaign.toml"), "--dry-run", "--site", "inline", *more)
    trace = traced(code, out, errors)
    return [f"{kind}: {trace}"] if trace else []


def _scores(rng: random.Random, ground: Ground, place: Path, take: list[int] | None) -> tuple[list[str], int]:
    ground.copy(place)
    shutil.rmtree(place / "campaign")
    path = place / "egfr.csv"
    lines = path.read_text().splitlines()
    for _ in range(rng.choice((1, 5, 40))):
        at = rng.randrange(len(lines))
        lines[at] = mutated(rng, lines[at], lines)
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    return _dry(place, "scores"), 1


def _campaign(
    rng: random.Random, ground: Ground, place: Path, take: list[int] | None
) -> tuple[list[str], int]:
    ground.copy(place)
    shutil.rmtree(place / "campaign")
    path, faults = place / "campaign.toml", []
    whole = path.read_text()
    for _ in range(20):
        path.write_text(mutated_toml(rng, whole), "utf-8", "replace")
        faults += _dry(place, "campaign file")
    return faults[:2], 20


KINDS = {
    "molecules": _molecules,
    "sdf": _sdf,
    "table": _table,
    "scores": _scores,
    "campaign": _campaign,
    "site": site_input,
    "reactions": reactions_input,
    "bundle": bundle_input,
    "manifest": manifest_input,
    "receipt": receipt_input,
    "scheduler": scheduler_input,
}
