"""Who may see the dashboard, and where it listens."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docksieve.data.errors import CampaignError, ConfigError
from docksieve.workflows.dashboard import serve as dashboard
from docksieve.workflows.dashboard.access import Gate
from docksieve.workflows.dashboard.app import application
from docksieve.workflows.dashboard.peers import Peer
from docksieve.workflows.dashboard.serve import bound, serve, welcome
from docksieve.workflows.dashboard.watch import Watch
from starlette.testclient import TestClient

HOME = "http://127.0.0.1:8642"
ADDRESSES = ("/", "/static/main.js", "/api/progress", "/api/hits", "/api/export", "/nothing")


@pytest.fixture(scope="module")
def root(campaign_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign that has just begun: all that the door needs."""
    from docksieve.workflows.running.submit import submit

    folder = tmp_path_factory.mktemp("guarded")
    text = campaign_text.replace("count = 2", "count = 0")
    (folder / "campaign.toml").write_text(text)
    campaign = submit(folder / "campaign.toml", "inline").root
    shutil.rmtree(campaign / "plan")
    return campaign


class Door:
    """A dashboard with its gate."""

    def __init__(self, root: Path, peer: Peer = Peer.UNKNOWN) -> None:
        self.announced: list[str] = []
        self.gate = Gate(self.announced.append, lambda client, server: peer)
        self.app = application(Watch(root), self.gate)

    def browser(self, home: str = HOME) -> TestClient:
        return TestClient(self.app, base_url=home)


@pytest.fixture
def door(root: Path) -> Door:
    return Door(root)


def test_without_the_cookie_nothing_is_answered(door: Door) -> None:
    for address in ADDRESSES:
        answer = door.browser().get(address)
        assert answer.status_code == 403 and "docksieve" in answer.text
        assert "molecules" not in answer.text


def test_the_owner_opens_the_link_again_and_again(root: Path) -> None:
    door = Door(root, Peer.OWNER)
    token = door.gate.token
    for browser in (door.browser(), door.browser(), door.browser()):
        assert browser.get(f"/?token={token}").status_code == 200
        assert browser.get("/api/progress").status_code == 200
    assert door.gate.token == token and door.announced == []
    assert door.browser().get(f"/?token={token[:-1]}").status_code == 403


def test_another_user_of_the_machine_is_refused_whatever_they_know(root: Path) -> None:
    door = Door(root, Peer.OTHER)
    token, browser = door.gate.token, door.browser()
    answer = browser.get(f"/?token={token}")
    assert answer.status_code == 403 and "another user" in answer.text and "set-cookie" not in answer.headers
    assert browser.get("/api/progress").status_code == 403
    assert door.gate.token == token and door.announced == []


def test_where_nobody_says_who_asks_the_link_lets_one_browser_in_and_works_once(door: Door) -> None:
    token, one, other = door.gate.token, door.browser(), door.browser()
    answer = one.get(f"/?token={token}")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and token not in cookie
    assert one.get("/api/progress").status_code == 200
    assert other.get(f"/?token={token}").status_code == 403
    assert other.get("/api/progress").status_code == 403
    assert door.announced == [door.gate.token] != [token]
    assert other.get(f"/?token={door.gate.token}").status_code == 200
    assert other.get("/api/progress").status_code == 200


@pytest.mark.parametrize("token", ["", "x", "é", "%00", "A" * 5000])
def test_a_wrong_token_is_refused_and_uses_nothing_up(door: Door, token: str) -> None:
    right = door.gate.token
    assert door.browser().get(f"/?token={token}").status_code == 403
    assert door.gate.token == right and door.announced == []


def test_looking_ahead_does_not_use_the_link_up(door: Door) -> None:
    token, browser = door.gate.token, door.browser()
    browser.head(f"/?token={token}")
    browser.get(f"/static/main.js?token={token}")
    assert door.gate.token == token
    assert browser.get(f"/?token={token}").status_code == 200


def test_a_wrong_cookie_is_refused(door: Door) -> None:
    for header in (
        f"{door.gate.cookie}=wrong",
        f"{door.gate.cookie}=",
        "other=1",
        "\x01;;=;",
        f"{door.gate.cookie}=é",
    ):
        headers = {"cookie": header.encode("latin-1")}
        assert door.browser().get("/api/progress", headers=headers).status_code == 403  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8642", "0.0.0.0", "", "[", "10.0.0.1"]
)
def test_another_name_for_this_machine_is_refused(door: Door, host: str) -> None:
    browser = door.browser()
    assert browser.get(f"/?token={door.gate.token}", headers={"host": host}).status_code == 403
    browser.get(f"/?token={door.gate.token}")
    assert browser.get("/api/progress", headers={"host": host}).status_code == 403
    assert browser.get("/api/progress").status_code == 200


@pytest.mark.parametrize("host", ["localhost:8642", "127.0.0.1:9999", "[::1]:8642", "LOCALHOST"])
def test_the_end_of_a_tunnel_may_have_another_port(door: Door, host: str) -> None:
    browser = door.browser()
    browser.get(f"/?token={door.gate.token}")
    assert browser.get("/api/progress", headers={"host": host}).status_code == 200


def test_other_sites_may_not_ask(door: Door) -> None:
    browser = door.browser()
    browser.get(f"/?token={door.gate.token}")
    for site in ("cross-site", "same-site"):
        assert browser.get("/api/progress", headers={"sec-fetch-site": site}).status_code == 403
    assert browser.get("/api/progress", headers={"sec-fetch-site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_only_reads(door: Door, method: str) -> None:
    browser = door.browser()
    browser.get(f"/?token={door.gate.token}")
    for address in ADDRESSES:
        answer = browser.request(method, address)
        assert answer.status_code == 405 and answer.headers["allow"] == "GET, HEAD"


def test_every_answer_forbids_the_browser_to_ask_elsewhere(door: Door) -> None:
    browser = door.browser()
    answers = [browser.get("/api/progress"), browser.get(f"/?token={door.gate.token}")]
    answers += [browser.get(address) for address in ADDRESSES]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers


def test_it_listens_on_loopback_only() -> None:
    with bound(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_an_error_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"Port {port} is taken.*Leave out --port"):
            bound(port)
        monkeypatch.setattr(dashboard, "PORT", port)
        with bound(None) as listener:
            assert listener.getsockname()[1] != port


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_there_are_ports_that_do_not_exist(port: int) -> None:
    with pytest.raises(ConfigError, match="There is no port"):
        bound(port)


def test_what_is_no_campaign_is_told_before_anything_is_served(tmp_path: Path) -> None:
    with pytest.raises(CampaignError):
        serve(tmp_path, 0)


def test_the_way_through_a_tunnel_is_told(tmp_path: Path) -> None:
    text = "\n".join(welcome(tmp_path, 8642, "abc"))
    assert "http://127.0.0.1:8642/?token=abc" in text
    assert "ssh -N -L 8642:127.0.0.1:8642 " in text and "@" in text


def test_a_campaign_that_has_just_begun_can_be_looked_at(door: Door) -> None:
    browser = door.browser()
    browser.get(f"/?token={door.gate.token}")
    told = browser.get("/api/progress").json()
    assert told["stages"] == [] and told["first"] is None and told["nodes"]["count"] == 0
    assert browser.get("/api/hits").json()["total"] == 0
    assert browser.get("/api/failures").json() == {"codes": []}


def test_the_command_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from docksieve.workflows.cli.main import main

    monkeypatch.setattr("sys.argv", ["docksieve", "dashboard", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2 and "Error:" in capsys.readouterr().err


ASKING = """
import sys, urllib.request, urllib.error
try:
    print(urllib.request.urlopen(sys.argv[1]).status)
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
"""


@pytest.fixture
def served(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A dashboard that runs as a user runs it: the campaign, and the link it printed."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    command = [sys.executable, "-m", "docksieve", "dashboard", str(root), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        while "open " not in said:
            said = process.stdout.readline()
            assert said
        yield root, said.split()[-1]
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def ask_as(url: str, user: int) -> str:
    """What a program of a user is answered."""
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-c", ASKING, url], user=user, cwd="/", env={"PATH": os.defpath},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.slow
def test_a_real_link_opens_again_for_its_owner_and_never_for_another_user(
    served: tuple[Path, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from docksieve.workflows.cli.main import main

    root, url = served
    assert [ask_as(url, os.getuid()) for _ in range(3)] == ["200\n"] * 3
    monkeypatch.setattr("sys.argv", ["docksieve", "dashboard", str(root), "--link"])
    main()
    assert capsys.readouterr().out == f"{url}\n"
    if os.getuid() != 0:
        pytest.skip("only the administrator can ask as another user: that they are refused is not tried")
    assert ask_as(url, 65534).startswith("403 This dashboard belongs to another user")
    assert ask_as(url, 0) == "200\n"
