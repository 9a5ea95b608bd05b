from __future__ import annotations

import socket

import pytest

from fo_pose_plugin.demo import viewing
from fo_pose_plugin.errors import InstallationError


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_was_asked_for_must_be_free(taken_port):
    with pytest.raises(InstallationError, match=f"port {taken_port} is in use"):
        viewing.choose_port(taken_port)


def test_otherwise_the_first_free_one_is_taken(taken_port, monkeypatch):
    monkeypatch.setattr(viewing, "DEFAULT_PORT", taken_port)
    chosen = viewing.choose_port(None)
    assert taken_port < chosen < taken_port + viewing.PORTS_TRIED
    monkeypatch.setattr(viewing, "PORTS_TRIED", 1)
    with pytest.raises(InstallationError, match="all in use"):
        viewing.choose_port(None)


def test_an_app_that_cannot_start_is_quoted(tmp_path, monkeypatch):
    monkeypatch.setenv("FIFTYONE_DATABASE_URI", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100")
    # A Python that finds no FiftyOne, so that it ends at once.
    monkeypatch.setattr(viewing, "bound_to_parent", lambda command: [command[0], "-I", "-S", *command[1:]])
    with pytest.raises(InstallationError, match=r"ended with code 1: .*fiftyone.*app\.log"):
        viewing.view_until_interrupted(
            "d", viewing.choose_port(None), tmp_path / "app.log", print, browser=False
        )
