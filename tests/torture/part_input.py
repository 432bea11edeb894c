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

CHARACTERS = "CNOSPFIclnos()[]=#@+-/\\%123456789.:~*$|{}<>&;, \t\"'\x00\x1b\u00e9\u2212Hh"
LINES = 1500
"""Molecule lines in one case."""
ODD = (None, True, -1, 0, 1e300, "", "x", "../../etc", [], {}, [1], {"a": 1}, "\x1b[31m", "9" * 40)
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


def mutated(rng: random.Random, text: str, others: list[str]) -> str:
    """Return ``text`` with one to four changes: characters put in, taken out, doubled, or parts of another line."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(text) + 1)
        way = rng.randrange(6)
        if way == 0:
            text = text[:at] + rng.choice(CHARACTERS) + text[at:]
        elif way == 1:
            text = text[:at] + text[at + rng.choice((1, 2, 5)) :]
        elif way == 2:
            text = text[:at] + rng.choice(CHARACTERS) + text[at + 1 :]
        elif way == 3:
            text = text[:at] + text[max(0, at - 6) : at] + text[at:]
        elif way == 4:
            other = rng.choice(others) or "C"
            text = text[:at] + other[rng.randrange(len(other)) :][:20]
        else:
            text = text.swapcase() if rng.random() < 0.1 else text[::-1] if rng.random() < 0.1 else text
    return text


def odd(rng: random.Random, value: Any) -> Any:
    """Return a JSON value with one place in it changed, removed or of another kind."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        if rng.random() < 0.12:
            return {name: item for name, item in value.items() if name != key}
        if rng.random() < 0.08:
            return {**value, f"{key}x": rng.choice(ODD)}
        return {**value, key: odd(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        return [*value[:at], odd(rng, value[at]), *value[at + 1 :]]
    return rng.choice(ODD)


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
        path.write_text(_mutated_toml(rng, whole), "utf-8", "replace")
        faults += _dry(place, "campaign file")
    return faults[:2], 20


def _mutated_toml(rng: random.Random, text: str) -> str:
    lines = text.splitlines()
    if rng.random() < 0.3:
        at = rng.randrange(len(text))
        return text[:at] + rng.choice(CHARACTERS) + text[at + rng.choice((0, 1, 9)) :]
    for _ in range(rng.choice((1, 1, 3))):
        at = rng.randrange(len(lines))
        key, equals, _ = lines[at].partition("=")
        value = rng.choice(
            (
                '""',
                "-1",
                "0",
                "1e400",
                "nan",
                "true",
                "[]",
                "{}",
                '"../x"',
                "9" * 30,
                "[1, 'a']",
                "1979-05-27",
                '"\\u001b[31m"',
            )
        )
        lines[at] = (
            f"{key}= {value}" if equals and rng.random() < 0.8 else mutated(rng, lines[at] or "x", [text])
        )
    return "\n".join(lines).replace("\x00", "")


def _site(rng: random.Random, ground: Ground, place: Path, take: list[int] | None) -> tuple[list[str], int]:
    from docksieve.data.errors import DocksieveError
    from docksieve.hpc.sites.read import load_site, preset_names, site_text

    for _ in range(40):
        text = _mutated_toml(rng, site_text(rng.choice(preset_names()))[0])
        (place / "own.toml").write_text(text, "utf-8", "replace")
        try:
            load_site(str(place / "own.toml"))
        except DocksieveError:
            continue
    return [], 40


def _reactions(
    rng: random.Random, ground: Ground, place: Path, take: list[int] | None
) -> tuple[list[str], int]:
    from docksieve.data.enumeration.product_space import SAMPLES, load_reactions
    from docksieve.data.errors import DocksieveError

    whole = (SAMPLES / "reactions.toml").read_text()
    for _ in range(40):
        (place / "reactions.toml").write_text(_mutated_toml(rng, whole), "utf-8", "replace")
        try:
            load_reactions(place / "reactions.toml")
        except DocksieveError:
            continue
    return [], 40


def _bundle(rng: random.Random, ground: Ground, place: Path, take: list[int] | None) -> tuple[list[str], int]:
    from docksieve.data.errors import DocksieveError
    from docksieve.models.bundles.bundle import load_bundle

    for name in ("student", "teacher"):
        for _ in range(8):
            shutil.rmtree(place / "bundle", ignore_errors=True)
            shutil.copytree(ground.folder / "campaign" / "models" / "round-01" / name, place / "bundle")
            if rng.random() < 0.7:
                card = place / "bundle" / "card.json"
                card.write_text(json.dumps(odd(rng, json.loads(card.read_text()))))
            else:
                path = rng.choice(sorted(item for item in (place / "bundle").iterdir() if item.is_file()))
                content = path.read_bytes()
                at = rng.randrange(len(content))
                path.write_bytes(
                    content[:at] + bytes([content[at] ^ 4]) + content[at + rng.choice((1, 1, 50)) :]
                )
            try:
                load_bundle(place / "bundle")
            except DocksieveError:
                continue
    return [], 16


def _manifest(
    rng: random.Random, ground: Ground, place: Path, take: list[int] | None
) -> tuple[list[str], int]:
    from docksieve.data.errors import DocksieveError
    from docksieve.data.libraries.library import Library

    shutil.copytree(ground.folder / "library", place / "library")
    path = place / "library" / "library.json"
    whole = json.loads(path.read_text())
    for _ in range(40):
        path.write_text(json.dumps(odd(rng, whole)))
        try:
            Library.open(place / "library").verify()
        except DocksieveError:
            continue
    return [], 40


def _receipt(
    rng: random.Random, ground: Ground, place: Path, take: list[int] | None
) -> tuple[list[str], int]:
    """Receipts, plans and ``campaign.json`` that are JSON and mean nonsense, before the commands that read them."""
    faults = []
    for _ in range(5):
        ground.copy(place / "copy")
        campaign = place / "copy" / "campaign"
        files = [
            campaign / "campaign.json",
            *sorted(campaign.glob("receipts/**/*.json")),
            *sorted(campaign.glob("plan/*")),
        ]
        path = files[0] if rng.random() < 0.3 else rng.choice(files)
        path.write_text(json.dumps(odd(rng, json.loads(path.read_text()))))
        for words in (["status"], ["hits"], ["verify"], ["throughput"]):
            code, out, errors = run(*words, str(campaign))
            if trace := traced(code, out, errors):
                faults.append(f"{words[0]}, {path.name} of nonsense: {trace}")
    return faults[:2], 20


def _scheduler(
    rng: random.Random, ground: Ground, place: Path, take: list[int] | None
) -> tuple[list[str], int]:
    from docksieve.hpc.jobs.pbs_answers import pbs_answer
    from docksieve.hpc.jobs.queue import queued_jobs, still_there
    from docksieve.hpc.jobs.submitted import submitted_job

    said = [
        "Submitted batch job 4711\n", "4711;cluster\n", "4711.pbs-server\n",
        "Job <4711> is submitted to queue <normal>.\n",
        '{"Jobs": {"4711.server": {"job_state": "R", "exec_host": "n1/0"}}}', "4711 RUNNING\n4712 PENDING\n",
        "qstat: 4711.server Unknown Job Id\n", "JOBID STAT\n4711 RUN\n",
        "slurm_load_jobs error: Invalid job id specified\n",
    ]  # fmt: skip
    for _ in range(400):
        text, other = (mutated(rng, rng.choice(said), said) for _ in range(2))
        for scheduler in ("slurm", "pbspro", "lsf"):
            submitted_job(scheduler, text)
            queue = queued_jobs(scheduler, rng.choice((0, 1, None)), text, other)
            still_there(["4711"], queue or set())
        pbs_answer(text, other)
    return [], 400


KINDS = {
    "molecules": _molecules,
    "sdf": _sdf,
    "table": _table,
    "scores": _scores,
    "campaign": _campaign,
    "site": _site,
    "reactions": _reactions,
    "bundle": _bundle,
    "manifest": _manifest,
    "receipt": _receipt,
    "scheduler": _scheduler,
}
