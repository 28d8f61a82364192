"""Hints how to install what is missing work from a clone and follow `pyproject.toml`."""

import importlib.metadata
import shlex
import tomllib
from pathlib import Path

import pytest

from skjetsim.utils._install import install_command

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]


@pytest.mark.parametrize("extra", ["plot", "pythia", "io"])
def test_packages_of_an_extra(extra):
    packages = shlex.split(install_command(extra))
    assert packages[:2] == ["pip", "install"]

    def parts(requirement):
        return requirement.replace(" ", "")

    assert sorted(map(parts, packages[2:])) == sorted(map(parts, EXTRAS[extra]))


def test_a_clone_that_is_not_installed(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("skjetsim.utils._install.requires", missing)
    assert install_command("io") == 'pip install ".[io]" in the folder of the clone'
