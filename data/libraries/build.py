"""Building a library: from files as people have them to shards, with every lost line accounted for.

Three passes, each of independent steps that any worker can take (:mod:`docksieve.data.libraries.part_tasks`):

1. chunks of input become parts: standard molecules, properties, keys, rejects;
2. keys are compared bucket by bucket, and the first molecule of each key stays;
3. rows are numbered by prefix sums and written to shards; rejects and duplicates to their own files.

Everything unfinished lies in ``OUT/.build``. ``OUT`` is a library from the moment its manifest appears.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, LibraryError
from ..readers.sources import Source, open_files
from ..store import read_json, remove_temporary_files, write_json
from ..words import plural
from .library import MANIFEST, Library
from .passes import BUILD, Build
from .pool import BuildWorkers, OpenCluster, available_cores
from .progress import Reporter
from .settings import IngestSettings, Sieve, settings_json


def build_library(
    out: str | os.PathLike[str],
    inputs: Sequence[str | os.PathLike[str]],
    settings: IngestSettings | None = None,
    workers: int | None = None,
    progress: bool = True,
    client: Any = None,
    open_cluster: OpenCluster | None = None,
    sieve: Sieve | None = None,
) -> Library:
    """Build a library from molecule files.

    The same call after an interruption goes on where it was and ends with the same bytes. In a script, call
    it under ``if __name__ == "__main__"``: workers are processes that import the script.

    Parameters
    ----------
    out : path
        Folder of the library; must be new, empty, or hold an unfinished build of the same input.
    inputs : sequence of path
        Files; ``-`` is standard input.
    settings : IngestSettings, optional
    workers : int, optional
        Processes; all cores by default. 1: everything in this process.
    progress : bool
        Show a progress bar and what was taken for what on standard error.
    client : distributed.Client, optional
        A Dask cluster to run on instead, whose workers see the same files.
    open_cluster : callable, optional
        Opens one when it is needed, with ``workers`` workers at most (:func:`docksieve.open_dask` of a site).
    sieve : LibrarySieve, optional
        Conditions (as of ``docksieve hits``); molecules in standard form that
        meet not all of them are rejected with the code ``condition``.

    Returns
    -------
    Library
        Of molecules in standard form, each once; ``manifest`` accounts for every line of the input.

    Raises
    ------
    InputError
        If an input cannot be read, or no molecule is left.
    LibraryError
        If ``out`` is taken.

    Examples
    --------
    >>> library = docksieve.build_library("mine", ["vendor.smi"], workers=1, progress=False)
    >>> library.rows
    192
    >>> library.manifest["counts"]["duplicates"]
    0
    """
    settings = settings or IngestSettings()

    def sources(scratch: Path) -> Sequence[Source]:
        names = [os.fspath(name) for name in inputs]
        return open_files(names, settings.reading, settings.chunk_bytes, settings.chunk_rows, scratch)

    return build_from_sources(out, sources, settings, workers, progress, client, open_cluster, sieve)


def build_from_sources(
    out: str | os.PathLike[str],
    open_sources: Callable[[Path], Sequence[Source]],
    settings: IngestSettings,
    workers: int | None = None,
    progress: bool = True,
    client: Any = None,
    open_cluster: OpenCluster | None = None,
    sieve: Sieve | None = None,
) -> Library:
    """Build a library from anything that yields chunks (:func:`build_library`; enumeration, too).

    Parameters
    ----------
    open_sources : callable
        Given a folder for temporary files, returns the sources.
    """
    folder = Path(out)
    count = available_cores() if workers is None else workers
    if count < 1:
        raise InputError(f"workers must be at least 1, not {count}.")
    build = folder / BUILD
    _refuse_strangers(folder)
    with _scratch(folder) as fresh, Reporter(progress) as reporter:
        sources = open_sources(build)
        if (folder / MANIFEST).exists():
            return _already_built(folder, sources, settings_json(settings, sieve))
        _check_request(build, sources, settings_json(settings, sieve))
        for source in sources:
            reporter.say(f"{source.name}: {source.layout.describe()}")
        with BuildWorkers(count, build / "dask", client, open_cluster, reporter.say) as pool:
            job = Build(folder, sources, settings, pool, reporter, sieve)
            job.run()
        fresh.clear()
    return Library.open(folder)


def _refuse_strangers(folder: Path) -> None:
    """Refuse a folder that holds anything but a library or an unfinished build."""
    if folder.exists() and not folder.is_dir():
        raise LibraryError(f"{folder} is a file.", "Choose another name for the library's folder.")
    if folder.is_dir() and not (folder / MANIFEST).exists() and not (folder / BUILD).is_dir():
        others = sorted(path.name for path in folder.iterdir())
        if others:
            raise LibraryError(
                f"{folder} is not empty (it holds {others[0]!r}) and is not a library.",
                "Choose a new or empty folder.",
            )


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[list[Path]]:
    """Hold the build folder under a lock; remove what is new in it if the build never began."""
    build = folder / BUILD
    existed = folder.exists(), build.exists()
    try:
        build.mkdir(parents=True, exist_ok=True)
        lock = (build / "lock").open("w")
    except OSError as error:
        raise LibraryError(
            f"{folder} cannot be written: {error.strerror}.", "Choose another folder."
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LibraryError(
                f"{folder} is being built by another process.", "Wait for it, or choose another folder."
            ) from None
        remove_temporary_files(folder)
        created = [build]
        try:
            yield created
        finally:
            began = (build / "request.json").exists()
            if not created or not began or (folder / MANIFEST).exists():
                shutil.rmtree(build, ignore_errors=True)
                if not existed[0] and not (folder / MANIFEST).exists():
                    with contextlib.suppress(OSError):
                        folder.rmdir()


def _request(sources: Sequence[Source], settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "settings": settings,
        "inputs": [[source.name, source.layout.to_json(), source.fixed_content] for source in sources],
    }


def _check_request(build: Path, sources: Sequence[Source], settings: dict[str, Any]) -> None:
    """Write down what is built, or check that an unfinished build is of the same."""
    request = _request(sources, settings)
    path = build / "request.json"
    if path.exists() and read_json(path) != request:
        raise LibraryError(
            f"{build.parent} holds an unfinished library of other input or with other settings.",
            "Give the command that began it, choose another folder, or delete this one.",
        )
    write_json(path, request)


def _already_built(folder: Path, sources: Sequence[Source], settings: dict[str, Any]) -> Library:
    """Return the finished library in ``folder`` if it is what was asked for."""
    library = Library.open(folder)
    keys = ("name", "bytes", "modified")
    had = [[item[key] for key in keys] for item in library.manifest["sources"]]
    now = [[source.identity()[key] for key in keys] for source in sources]
    contents = zip(library.manifest["sources"], sources, strict=False)
    unlike = [item for item, source in contents if source.fixed_content not in ("", item["content"])]
    same = library.manifest["settings"] == settings and had == now and not unlike
    if not same or any(source.name == "-" for source in sources):
        raise LibraryError(
            f"{folder} holds a library already ({plural(library.rows, 'molecule')}).",
            "Choose another folder, or delete this one first.",
        )
    return library
