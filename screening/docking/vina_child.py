"""The program that runs inside the child of :mod:`.vina_process`: prepares ligands and docks them with Vina.

Reads one JSON request per line from standard input and answers on the pipe that was its standard output.
It ends when the input does, and with its parent.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, BinaryIO

from .failures import FailureCode

_PR_SET_PDEATHSIG = 1

WORST_SCORE = 20.0
BEST_SCORE = -30.0
"""Scores outside are not binding energies: Vina gives 1e7 to a ligand that does not fit into its box."""


def main(arguments: list[str]) -> int:
    """Serve requests until the input ends. ``arguments`` holds the parent's process id."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _die_with_parent(int(arguments[0]))
    replies = _claim_stdout()

    def reply(event: str, **fields: Any) -> None:
        replies.write(json.dumps({"event": event, **fields}).encode() + b"\n")
        replies.flush()

    docker: Docker | None = None
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if request["op"] == "open":
            docker = _open(request, reply)
        else:
            _serve(request, docker, reply)
    return 0


def _die_with_parent(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)


def _claim_stdout() -> BinaryIO:
    """Keep standard output for the protocol, and send what C code prints there to standard error."""
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "wb")


def _open(request: Mapping[str, Any], reply: Callable[..., None]) -> Docker | None:
    # Imported once, here: what follows is then free of start-up time.
    from . import ligand  # noqa: F401

    versions = {name: version(name) for name in ("rdkit", "meeko")}
    docker = None
    if "receptor" in request:
        versions["vina"] = version("vina")
        try:
            docker = Docker(request)
        except Exception as error:  # whatever the binding raises, the receptor is unusable
            reply("failure", message=f"{type(error).__name__}: {error}")
            return None
    reply("ready", versions=versions)
    return docker


def _serve(request: Mapping[str, Any], docker: Docker | None, reply: Callable[..., None]) -> None:
    from .ligand import LigandFailure

    try:
        states = _prepare(request)
        if request["op"] == "prepare":
            reply("done", states=[_as_text(state, request) for state in states])
            return
        assert docker is not None
        reply("done", **docker.best(states, request, lambda: reply("stage", stage="search")))
    except LigandFailure as failure:
        reply("failure", code=str(failure.code), message=failure.message, state=failure.state)


def _prepare(request: Mapping[str, Any]) -> list[Any]:
    """Return the embedded states of the request's molecule; those that cannot be embedded are left out."""
    from .ligand import LigandFailure, choose_state, embed, parse_ligand, stereo_states
    from .ligand_settings import LigandSettings

    settings = LigandSettings(**request["ligand"])
    mol = choose_state(parse_ligand(request["smiles"], settings), settings)
    states, failure = [], None
    for isomer in stereo_states(mol, settings.stereoisomers):
        try:
            states.append(embed(isomer, request["conformer_seed"], request["conformers"], settings))
        except LigandFailure as error:  # impossible combinations of stereocentres are common in ring systems
            failure = error
    if failure and not states:
        raise failure
    return states


def _as_text(state: Any, request: Mapping[str, Any]) -> dict[str, str]:
    """Return the first conformer of ``state`` in the format that the request asks for."""
    from rdkit import Chem

    from .ligand import to_pdbqt
    from .ligand_settings import LigandSettings

    conformer = next(iter(state.mol.GetConformers())).GetId()
    if request["format"] == "pdbqt":
        text = to_pdbqt(state, conformer, LigandSettings(**request["ligand"]))
    else:
        text = Chem.MolToMolBlock(state.mol, confId=conformer)
    return {"state": state.smiles, "text": text}


class Docker:
    """A Vina object with one receptor and its maps.

    Parameters
    ----------
    request : mapping
        ``receptor`` (path), ``box``, ``scoring``, ``spacing``, ``search_seed``.
    """

    def __init__(self, request: Mapping[str, Any]) -> None:
        from vina import Vina

        self._box = request["box"]
        # The seed belongs to the object; every search starts its generator from it, so the order of the
        # ligands does not matter.
        self._vina = Vina(sf_name=request["scoring"], cpu=1, seed=request["search_seed"], verbosity=0)
        self._vina.set_receptor(request["receptor"])
        # Without a ligand set, maps of all atom types are made: they serve every ligand to come.
        self._vina.compute_vina_maps(self._box["center"], self._box["size"], spacing=request["spacing"])

    def best(
        self, states: list[Any], request: Mapping[str, Any], announce: Callable[[], None]
    ) -> dict[str, Any]:
        """Dock every conformer of every state, and return the fields of the best outcome.

        The poses are those of all the conformers of the best state, best first.
        """
        from .ligand import LigandFailure, to_pdbqt
        from .ligand_settings import LigandSettings

        settings = LigandSettings(**request["ligand"])
        runs = [
            (state.smiles, to_pdbqt(state, conformer.GetId(), settings))
            for state in states
            for conformer in state.mol.GetConformers()
        ]
        found: list[tuple[float, str, Any]] = []
        failure: LigandFailure | None = None
        cpu_seconds = 0.0
        for smiles, pdbqt in runs:
            announce()
            started = time.process_time()
            try:
                poses = self._search(pdbqt, request["search"], request["poses"])
                found += [(pose.score, smiles, pose) for pose in poses]
            except LigandFailure as error:
                error.state = smiles
                failure = error
            cpu_seconds += time.process_time() - started
        if not found:
            raise failure or LigandFailure(FailureCode.NO_POSE, "nothing was docked")
        found.sort(key=lambda item: item[0])
        score, smiles, _ = found[0]
        kept = [pose for _, state, pose in found if state == smiles][: request["poses"]]
        return {
            "score": score,
            "state": smiles,
            "poses": [[pose.score, pose.molblock] for pose in kept],
            "cpu_seconds": cpu_seconds,
        }

    def _search(self, pdbqt: str, search: Mapping[str, Any], kept: int) -> list[Any]:
        from .ligand import LigandFailure, poses_from_pdbqt

        try:
            self._vina.set_ligand_from_string(pdbqt)
            self._vina.dock(
                exhaustiveness=search["exhaustiveness"],
                n_poses=search["n_poses"],
                min_rmsd=search["min_rmsd"],
                max_evals=search["max_evals"],
            )
            text = self._vina.poses(n_poses=search["n_poses"], energy_range=search["energy_range"])
        except Exception as error:  # the binding raises RuntimeError, TypeError, ValueError ...
            raise LigandFailure(
                FailureCode.ENGINE_FAILED, " ".join(f"{type(error).__name__}: {error}".split())[:500]
            ) from None
        if not text.strip():
            raise LigandFailure(FailureCode.NO_POSE, "the search returned no pose")
        # The energies, not the text of the poses: the text is rounded the same, but not for large values.
        score = float(self._vina.energies(n_poses=1, energy_range=search["energy_range"])[0][0])
        self._check(score, pdbqt)
        return poses_from_pdbqt(text, kept)

    def _check(self, score: float, pdbqt: str) -> None:
        from .ligand import LigandFailure

        if math.isfinite(score) and BEST_SCORE <= score <= WORST_SCORE and score != 0.0:
            return
        length, size = _longest_distance(pdbqt), " x ".join(f"{side:g}" for side in self._box["size"])
        if length > max(self._box["size"]) and score > WORST_SCORE:
            raise LigandFailure(
                FailureCode.BOX_TOO_SMALL,
                f"{length:.1f} A long, in a box of {size} A (score {score:.3g})",
            )
        raise LigandFailure(FailureCode.BAD_SCORE, f"the engine's score is {score:.6g}")


def _longest_distance(pdbqt: str) -> float:
    points = [
        (float(line[30:38]), float(line[38:46]), float(line[46:54]))
        for line in pdbqt.splitlines()
        if line.startswith(("ATOM", "HETATM"))
    ]
    return max(math.dist(a, b) for a in points for b in points)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
