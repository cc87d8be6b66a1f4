"""The server of the playground: what it answers and refuses, and how many networks it keeps."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dlframe.errors import ArgumentError
from dlframe.viz.pages.server import LocalServer
from dlframe.viz.playground import Session, Settings
from dlframe.viz.playground.app import MOST_SESSIONS, Pages, make_server
from dlframe.viz.playground.packing import unpack

SMALL = {"points": 40, "layers": [4]}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with make_server(Pages(Settings.of(SMALL))) as running:
        yield running


def get(server: LocalServer, path: str) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rsplit(":", 1)[1][:-1]))
    connection.request("GET", path)
    answer = connection.getresponse()
    kind = answer.getheader("content-type") or ""
    try:
        return answer.status, kind, answer.read()
    finally:
        connection.close()


def post(server: LocalServer, path: str, body: object, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rsplit(":", 1)[1][:-1]))
    origin = {"Origin": server.url[:-1], "Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(body), origin | headers)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    if (answer.getheader("content-type") or "").startswith("application/json"):
        return answer.status, json.loads(data)
    return answer.status, unpack(data)


# --- pages and commands ------------------------------------------------------------------------


def test_the_page_and_what_it_loads(server: LocalServer) -> None:
    status, kind, html = get(server, "/")
    assert (status, kind.partition(";")[0]) == (200, "text/html")
    loaded = [part.split(b'"')[0] for part in html.split(b'="/')[1:]]
    assert b"static/playground.js" in loaded
    for path in loaded:
        assert get(server, "/" + path.decode())[0] == 200, path
    for name in ("address", "drawing", "explained", "frames", "mathml", "playground"):
        status, kind, text = get(server, f"/static/{name}.js")
        assert (status, "javascript" in kind) == (200, True)
        for line in text.decode().splitlines():
            if 'from "' in line:
                assert get(server, line.split('"')[1])[0] == 200, line


def test_choices_hold_what_controls_need(server: LocalServer) -> None:
    found = json.loads(get(server, "/api/choices")[2])
    assert found["settings"]["points"] == 40
    assert found["defaults"] == Settings().to_dict()
    assert set(found["choices"]) | set(found["limits"]) | {"own", "layers", "batch_norm"} == set(
        found["defaults"]
    )


def test_a_whole_visit(server: LocalServer) -> None:
    _, (numbers, arrays) = post(server, "/api/open", {"settings": SMALL})
    name = numbers["id"]
    assert numbers["step"] == 0
    assert arrays["train"].shape == (32, 2)
    body = {"id": name, "since": 0, "drawn": numbers["drawn"]}
    _, (numbers, arrays) = post(server, "/api/frame", body | {"epochs": 3, "focus": [0, 2]})
    assert (numbers["epoch"], numbers["made"], "train" in arrays) == (3, 3, False)
    assert numbers["history"]["epoch"] == [1, 2, 3]
    assert arrays["focus"].shape == (48, 48)
    session = Session(Settings.of(SMALL))
    session.advance(epochs=3)
    assert numbers["history"]["train_loss"] == session.history["train_loss"].tolist()[1:]

    _, found = post(server, "/api/explain", {"id": name, "layer": 0, "unit": 1, "source": 0})
    assert found == json.loads(json.dumps(session.explain(0, 1, 0)))
    _, found = post(server, "/api/program", {"id": name})
    assert found == {"program": session.program(), "as_printed": True}

    _, (numbers, _) = post(server, "/api/change", body | {"settings": SMALL | {"lr": 0.5}})
    assert (numbers["began"], numbers["epoch"], numbers["as_printed"]) == (False, 3, False)
    _, (numbers, arrays) = post(server, "/api/change", body | {"settings": SMALL | {"seed": 5}})
    assert (numbers["began"], numbers["epoch"], numbers["settings"]["seed"]) == (True, 0, 5)
    assert "train" in arrays
    _, (numbers, _) = post(server, "/api/frame", body | {"steps": 1})
    assert numbers["step"] == 1
    _, (numbers, arrays) = post(server, "/api/reset", body)
    assert (numbers["step"], numbers["began"]) == (0, True)
    assert post(server, "/api/close", {"id": name}) == (200, {})
    status, found = post(server, "/api/frame", body)
    assert (status, "no longer there" in found["error"]) == (400, True)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("open", {"settings": {"lr": -1}}, "playground: lr is a number from 1e-06 to 1000; got -1"),
        ("open", {"settings": 3}, "settings are a dict; got int"),
        ("open", {"settings": {"own": [[0, 0, 0]] * 501}}, "at most 500 points"),
        ("change", {}, "settings are a dict; got NoneType"),
        ("frame", {"steps": -1}, "steps is an integer from 0 to 1000000"),
        ("frame", {"steps": 10**7}, "steps is an integer from 0 to 1000000"),
        ("frame", {"steps": 1, "epochs": 1}, "pass either steps or epochs"),
        ("frame", {"focus": [1]}, "focus is [layer, unit]"),
        ("frame", {"focus": "a"}, "focus is [layer, unit]"),
        ("frame", {"since": "a"}, "since is an integer"),
        ("explain", {"layer": 0}, "unit is an integer"),
        ("explain", {"layer": 5, "unit": 0}, "there are layers 0 to 1; got 5"),
    ],
    ids=range(12),
)
def test_what_is_wrong_is_said_in_a_sentence(
    server: LocalServer, path: str, body: Any, message: str
) -> None:
    _, (numbers, _) = post(server, "/api/open", {"settings": SMALL})
    status, found = post(server, f"/api/{path}", {"id": numbers["id"]} | body)
    assert status == 400
    assert message in found["error"]
    # and nothing has happened
    assert post(server, "/api/frame", {"id": numbers["id"]})[1][0]["step"] == 0


@pytest.mark.parametrize("name", [None, 3, [], "", "x", "../x"], ids=str)
def test_a_name_that_is_nobodys(server: LocalServer, name: Any) -> None:
    for path in ("frame", "reset", "program"):
        status, found = post(server, f"/api/{path}", {"id": name})
        assert (status, "Reload the page" in found["error"]) == (400, True)


def test_no_other_site_can_train(server: LocalServer) -> None:
    for headers in ({"Origin": "http://example.org"}, {"Host": "example.org"}):
        assert post(server, "/api/open", {}, **headers)[0] == 403
    assert get(server, "/api/open")[0] == 405


# --- sessions ----------------------------------------------------------------------------------


def test_there_are_at_most_so_many_networks() -> None:
    pages = Pages(Settings.of(SMALL))
    names = [unpack(pages.open({"settings": SMALL}).body)[0]["id"] for _ in range(MOST_SESSIONS)]
    pages.frame({"id": names[0]})  # used a moment ago: another one ends
    names.append(unpack(pages.open({"settings": SMALL}).body)[0]["id"])
    assert len(set(names)) == MOST_SESSIONS + 1
    assert len(pages) == MOST_SESSIONS
    pages.frame({"id": names[0]})
    with pytest.raises(ArgumentError, match="more than 16 pages were opened"):
        pages.frame({"id": names[1]})
    for name in names:
        pages.close({"id": name})
    assert len(pages) == 0
    assert pages.close({}) == {}


def test_pages_do_not_disturb_each_other(server: LocalServer) -> None:
    """Several at once, and two requests of one page at once, give what one alone gives."""
    seeds = range(4)
    names = [
        post(server, "/api/open", {"settings": SMALL | {"seed": seed, "dropout": 0.2}})[1][0]["id"]
        for seed in seeds
    ]

    def train(name: str) -> None:
        for _ in range(5):
            post(server, "/api/frame", {"id": name, "epochs": 1})

    threads = [threading.Thread(target=train, args=(name,)) for name in [*names, *names]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, name in zip(seeds, names, strict=True):
        numbers = post(server, "/api/frame", {"id": name})[1][0]
        session = Session(Settings.of(SMALL | {"seed": seed, "dropout": 0.2}))
        session.advance(epochs=10)
        assert numbers["history"]["train_loss"] == session.history["train_loss"].tolist()


def test_an_update_ends_in_time_however_much_is_asked(server: LocalServer) -> None:
    big = {"points": 2000, "layers": [64] * 6, "batch_size": 1}
    _, (numbers, _) = post(server, "/api/open", {"settings": big})
    _, (numbers, _) = post(server, "/api/frame", {"id": numbers["id"], "epochs": 10**6})
    assert 0 < numbers["made"] < 10**6
    assert np.isfinite(numbers["measures"]["train_loss"])
