"""Mutated files of sites, reactions, bundles, libraries and campaigns, and answers of schedulers."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from ground import Ground, run, traced
from mutations import mutated, mutated_toml, odd


def site_input(
    rng: random.Random, ground: Ground, place: Path, take: list[int] | None
) -> tuple[list[str], int]:
    from docksieve.data.errors import DocksieveError
    from docksieve.hpc.sites.read import load_site, preset_names, site_text

    for _ in range(40):
        text = mutated_toml(rng, site_text(rng.choice(preset_names()))[0])
        (place / "own.toml").write_text(text, "utf-8", "replace")
        try:
            load_site(str(place / "own.toml"))
        except DocksieveError:
            continue
    return [], 40


def reactions_input(
    rng: random.Random, ground: Ground, place: Path, take: list[int] | None
) -> tuple[list[str], int]:
    from docksieve.data.enumeration.product_space import SAMPLES, load_reactions
    from docksieve.data.errors import DocksieveError

    whole = (SAMPLES / "reactions.toml").read_text()
    for _ in range(40):
        (place / "reactions.toml").write_text(mutated_toml(rng, whole), "utf-8", "replace")
        try:
            load_reactions(place / "reactions.toml")
        except DocksieveError:
            continue
    return [], 40


def bundle_input(
    rng: random.Random, ground: Ground, place: Path, take: list[int] | None
) -> tuple[list[str], int]:
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


def manifest_input(
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


def receipt_input(
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


def scheduler_input(
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
