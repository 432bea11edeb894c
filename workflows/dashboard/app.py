"""The dashboard as a web application: which address gives what."""

from __future__ import annotations

import re
import shutil
import tempfile
import traceback
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ...data.errors import CampaignError, DocksieveError, FormatError, InputError
from ...data.receipts import plain_json
from ...screening.chemistry.depict import depict
from ..hits.card import hit_card
from ..html.colours import COLOURS
from .access import Gate, Guard
from .molecule import describe, pose_of, scene
from .progress import failed_dockings, progress
from .search import EXPORTS, MOST, MOST_EXPORTED, PAGE, Desk, choices, export, read_query
from .watch import Watch

PAGES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
MOST_DRAWN = 2000
"""Longest SMILES that is drawn."""


class Dashboard:
    """The answers, each a plain function of the request; they run in threads."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._desk = Desk()

    def progress(self, request: Request) -> Response:
        """Answer where the campaign stands."""
        return JSONResponse(progress(self._watch.now()))

    def there(self, request: Request) -> Response:
        """Answer that the campaign is where it was; an error says that it is not."""
        self._watch.there()
        return JSONResponse({"there": True})

    def choices(self, request: Request) -> Response:
        """Answer what can be asked of the hits."""
        return JSONResponse(choices(self._watch.now()))

    def failures(self, request: Request) -> Response:
        """Answer why dockings gave no score."""
        return JSONResponse(failed_dockings(self._watch.now()))

    def hits(self, request: Request) -> Response:
        """Answer a question to the hits, page by page."""
        asked = request.query_params
        page = self._desk.page(
            self._watch.now(),
            read_query(asked.get("q"), MOST),
            asked.get("sort", ""),
            asked.get("order") == "down",
            _number(asked.get("first", "0"), "first"),
            _number(asked.get("count", str(PAGE)), "count"),
        )
        return JSONResponse(page)

    def drawing(self, request: Request) -> Response:
        """Answer the drawing of a molecule, without colours: the page has them."""
        smiles = request.query_params.get("smiles", "")
        svg = depict(smiles) if len(smiles) <= MOST_DRAWN else None
        if svg is None:
            raise InputError("This molecule cannot be drawn.")
        named = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        return Response(named, media_type="image/svg+xml")

    def molecule(self, request: Request) -> Response:
        """Answer all that is known of one hit."""
        moment = self._watch.now()
        return JSONResponse(describe(moment, self._hit(request)))

    def card(self, request: Request) -> Response:
        """Answer everything known of one molecule, over all targets."""
        moment = self._watch.now()
        row = _number(request.query_params.get("row", ""), "row")
        card = hit_card(moment.campaign, f"row:{row}", receipts=moment.campaign_receipts)
        return JSONResponse(plain_json(card.to_json()))

    def scene(self, request: Request) -> Response:
        """Answer a pose in its receptor."""
        kind, rank = _pose(request)
        return JSONResponse(scene(self._watch.now(), self._hit(request), kind, rank))

    def pose(self, request: Request) -> Response:
        """Answer a pose as a file."""
        kind, rank = _pose(request)
        hit = self._hit(request)
        block = str(pose_of(self._watch.now(), hit, kind, rank)["molblock"])
        lines = block.split("M  END", 1)[0].split("\n")
        lines[0] = re.sub(r"\s+", " ", str(hit["id"])).replace("$$$$", "_")
        content = "\n".join(lines) + "M  END\n$$$$\n"
        name = f"{_file_name(str(hit['id']))}-{kind}-{rank + 1}.sdf"
        return Response(content, media_type=EXPORTS["sdf"], headers=_attached(name))

    def export(self, request: Request) -> Response:
        """Answer all molecules of a question as a file."""
        moment = self._watch.now()
        kind = request.query_params.get("format", "csv")
        query = read_query(request.query_params.get("q"), MOST_EXPORTED)
        folder = tempfile.mkdtemp(prefix="docksieve-")
        try:
            path = Path(folder) / "hits"
            export(moment, query, kind, path)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        name = f"{_file_name(moment.campaign.config.campaign.name)}-hits.{kind}"
        done = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
        return FileResponse(path, media_type=EXPORTS[kind], headers=_attached(name), background=done)

    def _hit(self, request: Request) -> dict[str, Any]:
        asked = request.query_params
        moment = self._watch.now()
        target = asked.get("target", "")
        if target not in moment.campaign.targets:
            raise InputError(f"The campaign has no target {target!r}.")
        return dict(self._desk.molecule(moment, target, _number(asked.get("row", ""), "row")))


def _pose(request: Request) -> tuple[str, int]:
    asked = request.query_params
    return asked.get("kind", "final"), _number(asked.get("rank", "0"), "rank")


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InputError(f"{name} is no whole number: {text[:40]!r}.")
    return int(text)


def _file_name(text: str) -> str:
    """Return ``text`` as a name that every file system and header takes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._-")[:80] or "docksieve"


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _static(request: Request) -> Response:
    """Answer a file of the page."""
    name = request.path_params.get("name", "index.html")
    if name == "colours.css":  # those of the report
        return Response(COLOURS, media_type=PAGES["css"])
    path = files(__package__).joinpath("static", name)
    kind = PAGES.get(name.rpartition(".")[2])
    if kind is None or "/" in name or not path.is_file():
        return JSONResponse({"error": "There is nothing of this name."}, 404)
    return Response(path.read_bytes(), media_type=kind)


def _icon(request: Request) -> Response:
    """Answer the icon that browsers ask for by themselves."""
    return Response(files(__package__).joinpath("static", "icon.svg").read_bytes(), media_type=PAGES["svg"])


def application(watch: Watch, gate: Gate) -> Starlette:
    """Return the dashboard of one campaign, for an ASGI server.

    Parameters
    ----------
    watch : Watch
    gate : Gate
        Who may see it.
    """
    dashboard = Dashboard(watch)
    answers = {
        "progress": dashboard.progress,
        "there": dashboard.there,
        "choices": dashboard.choices,
        "failures": dashboard.failures,
        "hits": dashboard.hits,
        "drawing": dashboard.drawing,
        "molecule": dashboard.molecule,
        "card": dashboard.card,
        "scene": dashboard.scene,
        "pose": dashboard.pose,
        "export": dashboard.export,
    }
    routes = [Route(f"/api/{name}", _explained(answer)) for name, answer in answers.items()]
    routes += [Route("/", _static), Route("/static/{name}", _static), Route("/favicon.ico", _icon)]
    middleware = [Middleware(Guard, gate=gate), Middleware(GZipMiddleware, minimum_size=1000)]
    return Starlette(routes=routes, middleware=middleware)


def _explained(answer: Callable[[Request], Response]) -> Callable[[Request], Any]:
    """Return an endpoint that runs ``answer`` in a thread, and tells errors as JSON: what, and what to do."""

    async def endpoint(request: Request) -> Response:
        try:
            return await run_in_threadpool(answer, request)
        except InputError as error:
            return _told(error, 400)
        except FormatError as error:
            return _told(error, 409)
        except CampaignError as error:
            return _told(error, 503)
        except DocksieveError as error:
            return _told(error, 500)
        except Exception:
            traceback.print_exc()  # to the terminal: what went wrong is nothing for the page
            message = "Something unexpected went wrong; the terminal of the dashboard says more."
            return JSONResponse({"error": message, "hint": ""}, 500)

    return endpoint


def _told(error: DocksieveError, code: int) -> Response:
    return JSONResponse({"error": error.message, "hint": error.hint}, code)
