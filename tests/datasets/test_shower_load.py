"""The description of load_showers; its numbers are tested in test_bundled.py."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skjetsim.datasets import ShowerGeometry, load_showers, make_showers


@pytest.fixture(scope="module")
def showers():
    return load_showers("pion")


def test_description_names_the_seed_of_the_sample(showers):
    text = showers.DESCR
    assert text.startswith(make_showers(5.0, random_state=0).DESCR)
    sample = text[text.index("**This sample.** 3,000 showers") :]
    assert max(map(len, text.splitlines())) <= 100
    seed = int(re.search(r"random_state=(\d+)", sample)[1])
    assert re.search(r"NumPy \d+\.\d+\.\d+\.", sample)
    energy = np.random.default_rng(seed).uniform(1, 100, 3000)
    assert_allclose(showers.data["energy"], energy, rtol=1e-6)
    again = make_showers(showers.data["energy"][:3], "pion", random_state=seed)
    assert_allclose(again.target, showers.target[:3], rtol=3e-4)


def test_cells_have_12_significant_bits(showers):
    significand = np.frexp(showers.target)[0] * 2**12
    assert (significand == np.round(significand)).all()
    assert (significand % 2 == 1).any()


def test_description_of_the_default_calorimeter(showers):
    geometry = ShowerGeometry()
    assert f"{geometry.interaction_lengths:.2f} interaction lengths deep" in showers.DESCR
    path = sum(layer.depth / layer.material.pion_interaction_length for layer in geometry.layers)
    loss = sum(layer.depth * layer.material.min_ionisation for layer in geometry.layers)
    crossed = np.isclose(showers.leakage, showers.data["energy"] - loss, rtol=1e-4)
    # A third of the pions cross the calorimeter.
    assert_allclose(np.exp(-path), 1 / 3, atol=0.01)
    assert_allclose(crossed.mean(), 1 / 3, atol=0.035)
    assert showers.leakage[~crossed].sum() > 0.5 * showers.data["energy"][~crossed].sum()


def test_the_axis_is_on_the_edges_of_even_grids():
    layers = ShowerGeometry().layers
    assert [layer.n_eta % 2 for layer in layers] == [0, 0, 0]
    assert [layer.n_phi % 2 for layer in layers] == [1, 0, 0]
