"""Kinematic functions against the package `vector`, and at the ends of their domain."""

import numpy as np
import vector
from hypothesis import given
from hypothesis import strategies as st

from skjetsim.preprocessing import wrap_phi
from skjetsim.utils import _four_vectors as kinematics


def four_vectors(n=1000, seed=1):
    rng = np.random.default_rng(seed)
    px, py, pz = rng.normal(0, 50, (3, n))
    mass = rng.exponential(20, n)
    return px, py, pz, mass, vector.array({"px": px, "py": py, "pz": pz, "mass": mass})


def test_quantities_of_one_vector_agree_with_vector():
    px, py, pz, mass, oracle = four_vectors()
    pt = kinematics.transverse_momentum(px, py)
    e = kinematics.energy(px, py, pz, mass)
    np.testing.assert_allclose(pt, oracle.pt, rtol=1e-14)
    np.testing.assert_allclose(kinematics.azimuth(px, py), oracle.phi, rtol=1e-14)
    np.testing.assert_allclose(kinematics.pseudorapidity(pt, pz), oracle.eta, rtol=1e-12)
    np.testing.assert_allclose(e, oracle.E, rtol=1e-14)
    np.testing.assert_allclose(kinematics.rapidity(e, pz), oracle.rapidity, rtol=1e-11)
    np.testing.assert_allclose(kinematics.invariant_mass(e, px, py, pz), mass, atol=1e-6)


def test_space_like_mass_is_negative():
    one = np.ones(1)
    np.testing.assert_allclose(kinematics.invariant_mass(one, 2 * one, 0 * one, 0 * one), -(3**0.5))


def test_transverse_momentum_neither_overflows_nor_underflows():
    px = np.array([3e200, 3e-200, 0.0, 3.0])
    pt = kinematics.transverse_momentum(px, px / 3 * 4)
    np.testing.assert_allclose(pt, [5e200, 5e-200, 0.0, 5.0], rtol=1e-15)


def test_transverse_mass_of_back_to_back_and_collinear():
    mt = kinematics.transverse_mass(40.0, np.array([0.3, 0.3]), 40.0, np.array([0.3, 0.3 - np.pi]))
    np.testing.assert_allclose(mt, [0.0, 80.0])


@given(st.floats(-1e6, 1e6))
def test_wrap_phi_stays_inside_and_keeps_the_angle(phi):
    wrapped = wrap_phi(phi)
    assert -np.pi < wrapped <= np.pi
    np.testing.assert_allclose(np.cos(wrapped), np.cos(phi), atol=1e-9)
    np.testing.assert_allclose(np.sin(wrapped), np.sin(phi), atol=1e-9)
    assert wrap_phi(wrapped) == wrapped


def test_wrap_phi_at_the_seam():
    seam = np.array([np.pi, -np.pi, np.nextafter(np.pi, 4), np.nextafter(-np.pi, -4), 3 * np.pi])
    assert (wrap_phi(seam) > -np.pi).all()
    assert (wrap_phi(seam) <= np.pi).all()
    assert wrap_phi(-np.pi) == np.pi


def test_azimuth_of_minus_x_is_plus_pi():
    phi = kinematics.azimuth(np.array([-1.0, -1.0]), np.array([-0.0, -1e-300]))
    np.testing.assert_array_equal(phi, [np.pi, np.pi])
