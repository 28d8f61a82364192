"""Material of a calorimeter layer, and its constants for showers."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skjetsim.utils._parameters import check_real
from skjetsim.utils._validation import check_option

# Energy scale of multiple scattering, sqrt(4 pi / alpha) m_e, in GeV.
SCATTERING_ENERGY = 0.0212052


@dataclass(frozen=True)
class Substance:
    """Properties as in PDG's tables. Those of the atoms of a compound are averaged by mass."""

    atomic_number: float
    atomic_mass: float
    density: float  # g / cm^3
    radiation_length: float  # g / cm^2
    interaction_length: float  # g / cm^2
    min_ionisation: float  # MeV cm^2 / g

    @property
    def critical_energy(self):
        """GeV, as in the fit of the profiles of hep-ex/0001020: 2.66 MeV (X0 Z / A)^1.1."""
        scaled = self.radiation_length * self.atomic_number / self.atomic_mass
        return 2.66e-3 * scaled**1.1

    @property
    def pion_interaction_length(self):
        """Interaction length of pions in g/cm^2: a pion is smaller than a nucleon."""
        # Within 1% of PDG's values from aluminium to lead.
        return self.interaction_length * (1.0 + 0.81 * self.atomic_mass ** (-1.0 / 3.0))


SUBSTANCES = {
    "lead": Substance(82, 207.2, 11.35, 6.37, 199.6, 1.122),
    "tungsten": Substance(74, 183.84, 19.30, 6.76, 191.9, 1.145),
    "uranium": Substance(92, 238.03, 18.95, 6.00, 209.0, 1.081),
    "iron": Substance(26, 55.845, 7.874, 13.84, 132.1, 1.451),
    "copper": Substance(29, 63.546, 8.960, 12.86, 137.3, 1.403),
    "liquid argon": Substance(18, 39.948, 1.396, 19.55, 119.7, 1.508),
    "silicon": Substance(14, 28.0855, 2.329, 21.82, 108.4, 1.664),
    "polystyrene": Substance(5.61, 11.16, 1.060, 43.79, 77.1, 1.936),
    "lead tungstate": Substance(68.3, 170.9, 8.300, 7.39, 168.3, 1.229),
    "bismuth germanate": Substance(62.5, 155.4, 7.130, 7.97, 159.1, 1.251),
    "sodium iodide": Substance(46.6, 111.0, 3.667, 9.49, 154.6, 1.305),
    "caesium iodide": Substance(54.0, 130.0, 4.510, 8.39, 171.5, 1.243),
}

# Measured by ATLAS (hep-ex/9911033; tiles, CERN-LHCC-96-42) and CMS (Eur. Phys. J. C 60, 359).
PUBLISHED_E_OVER_H = {
    ("lead", "liquid argon"): 1.74,
    ("iron", "polystyrene"): 1.36,
    (None, "lead tungstate"): 2.4,
}


def _mixed_length(name):
    """Property: a length of the mixture in mm. Those of its parts, in g/cm^2, add up inversely."""

    def length(self):
        inverse = sum(w / getattr(s, name) for s, _, w in self._parts)
        return 10.0 / (inverse * self._density)

    return cached_property(length)


@dataclass(frozen=True)
class ShowerMaterial:
    """Absorber and active medium of a calorimeter layer.

    The default is lead and liquid argon, as in the barrel of ATLAS. Without absorber the medium
    is homogeneous.

    Parameters
    ----------
    absorber : str or None, default="lead"
        Name of the absorber, or None.

    active : str, default="liquid argon"
        Name of the active medium.

    absorber_thickness : float, default=2.0
        Thickness of an absorber plate in mm. It is not used without absorber.

    active_thickness : float, default=4.0
        Thickness of an active gap in mm. It is not used without absorber.

    sampling_term : float or None, default=None
        Resolution of electromagnetic energy, sigma / E at 1 GeV. None is zero without absorber, and
        0.027 sqrt(d / f) otherwise. Here d is the active thickness in mm, and f is the fraction of
        the loss of a minimum ionising particle that is in the active medium [1]_.

    e_over_h : float or None, default=None
        Response to electromagnetic over response to hadronic energy. None is the measured value:
        1.74 for lead and liquid argon, 1.36 for iron and polystyrene, 2.4 for lead tungstate. For
        other materials None is an error if hadrons are simulated.

    Attributes
    ----------
    radiation_length, moliere_radius, interaction_length, pion_interaction_length : float
        Lengths of the mixture, in mm. An interaction length is for nucleons or for charged pions.

    critical_energy : float
        Critical energy of the mixture, in GeV.

    atomic_number : float
        Atomic number, averaged by mass.

    sampling_frequency : float
        Radiation length over the thickness of a plate and a gap. It is infinite without absorber.

    e_over_mip : float
        Signal of electrons over that of minimum ionising particles.

    min_ionisation : float
        Loss of a minimum ionising particle in GeV/mm.

    resolution_term : float
        `sampling_term`, or the value for None.

    hadron_response : float
        1 / `e_over_h`, with the measured value if that is None.

    Raises
    ------
    ValueError
        If a substance is unknown, a thickness is not positive, or the resolution is negative.

    Notes
    -----
    The mixture is that of [2]_, with PDG's constants of the substances [3]_.

    References
    ----------
    .. [1] R. Wigmans, "Calorimetry", 2nd edition, Oxford University Press (2017), section 4.2.
    .. [2] G. Grindhammer and S. Peters, "The parameterized simulation of electromagnetic showers
       in homogeneous and sampling calorimeters", arXiv:hep-ex/0001020.
    .. [3] Particle Data Group, "Atomic and nuclear properties of materials".

    Examples
    --------
    >>> from skjetsim.datasets import ShowerMaterial
    >>> material = ShowerMaterial()
    >>> print(f"{material.radiation_length:.1f} mm, {1e3 * material.critical_energy:.1f} MeV")
    15.6 mm, 9.0 MeV
    >>> ShowerMaterial(absorber=None, active="lead tungstate").resolution_term
    0.0
    """

    absorber: str | None = "lead"
    active: str = "liquid argon"
    absorber_thickness: float = 2.0
    active_thickness: float = 4.0
    sampling_term: float | None = None
    e_over_h: float | None = None

    def __post_init__(self):
        if self.absorber is not None:
            check_option(self.absorber, "absorber", list(SUBSTANCES))
            check_real(self.absorber_thickness, "absorber_thickness", above=0)
            check_real(self.active_thickness, "active_thickness", above=0)
        check_option(self.active, "active", list(SUBSTANCES))
        if self.sampling_term is not None:
            check_real(self.sampling_term, "sampling_term", minimum=0)
        if self.e_over_h is not None:
            check_real(self.e_over_h, "e_over_h", above=0)
            if self.e_over_h < 1.0:
                raise ValueError(
                    f"e_over_h must be at least 1, got {self.e_over_h:g}: overcompensating "
                    "calorimeters are not simulated."
                )

    @property
    def homogeneous(self):
        """Whether there is no absorber."""
        return self.absorber is None

    @cached_property
    def _parts(self):
        """Substances, their thickness in cm and their fraction of the mass."""
        if self.homogeneous:
            return [(SUBSTANCES[self.active], 1.0, 1.0)]
        absorber, active = SUBSTANCES[self.absorber], SUBSTANCES[self.active]
        parts = (absorber, 0.1 * self.absorber_thickness), (active, 0.1 * self.active_thickness)
        mass = sum(s.density * d for s, d in parts)
        return [(s, d, s.density * d / mass) for s, d in parts]

    @cached_property
    def _density(self):
        total = sum(d for _, d, _ in self._parts)
        return sum(s.density * d for s, d, _ in self._parts) / total

    radiation_length = _mixed_length("radiation_length")
    interaction_length = _mixed_length("interaction_length")
    pion_interaction_length = _mixed_length("pion_interaction_length")

    @cached_property
    def critical_energy(self):
        """Critical energy of the mixture, in GeV."""
        losses = sum(w * s.critical_energy / s.radiation_length for s, _, w in self._parts)
        return losses * self.radiation_length * self._density / 10.0

    @cached_property
    def moliere_radius(self):
        """Moliere radius of the mixture, in mm."""
        return SCATTERING_ENERGY * self.radiation_length / self.critical_energy

    @cached_property
    def atomic_number(self):
        """Atomic number, averaged by mass."""
        return sum(w * s.atomic_number for s, _, w in self._parts)

    @cached_property
    def sampling_frequency(self):
        """Radiation length over the thickness of one plate and gap."""
        if self.homogeneous:
            return np.inf
        return self.radiation_length / (self.absorber_thickness + self.active_thickness)

    @cached_property
    def e_over_mip(self):
        """Signal of electrons over that of minimum ionising particles."""
        if self.homogeneous:
            return 1.0
        (absorber, *_), (active, *_) = self._parts
        return 1.0 / (1.0 + 0.007 * (absorber.atomic_number - active.atomic_number))

    @cached_property
    def min_ionisation(self):
        """Loss of a minimum ionising particle, in GeV/mm."""
        loss = sum(s.min_ionisation * s.density * d for s, d, _ in self._parts)
        return 1e-4 * loss / sum(d for _, d, _ in self._parts)

    @cached_property
    def resolution_term(self):
        """Resolution sigma / E of electromagnetic energy at 1 GeV."""
        if self.sampling_term is not None:
            return self.sampling_term
        return 0.0 if self.homogeneous else self.plate_resolution

    @cached_property
    def plate_resolution(self):
        """Value of `resolution_term` for the thicknesses of plates and gaps; 1 without plates."""
        if self.homogeneous:
            return 1.0
        loss = [s.min_ionisation * s.density * d for s, d, _ in self._parts]
        return 0.027 * np.sqrt(self.active_thickness * sum(loss) / loss[1])

    @property
    def hadron_response(self):
        """Response to hadronic over response to electromagnetic energy."""
        published = PUBLISHED_E_OVER_H.get((self.absorber, self.active))
        ratio = published if self.e_over_h is None else self.e_over_h
        if ratio is None:
            medium = self.active if self.homogeneous else f"{self.absorber} and {self.active}"
            raise ValueError(
                f"No e/h is known for {medium}; give ShowerMaterial its e_over_h to simulate "
                "hadrons in it."
            )
        return 1.0 / ratio
