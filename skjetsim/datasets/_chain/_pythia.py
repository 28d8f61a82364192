"""Events of one process from Pythia 8."""

import math
import re
from collections.abc import Mapping
from functools import lru_cache

from skjetsim.datasets._chain._record import next_record

MAX_SEED = 900_000_000

# Events made at a time. Larger batches waste more events after the last row. Smaller ones spend
# more on the fixed cost of array operations.
BATCH_SIZE = 128

SETTINGS = (
    "Print:quiet = on",
    "Beams:eCM = 13000.",
    # Particles with c tau above 10 mm reach the detector: the LHC's definition of stable.
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
    "Random:setSeed = on",
)

_SWITCH_WORDS = ("on", "yes", "true", "ok", "1", "off", "no", "false", "0")


def records(settings, seed, hooks=None, batch_size=None):
    """Yield batches of events without end, from a new Pythia.

    Pythia adapts its maxima as it runs, so that an event depends on all events before it. Only a
    new object with the same seed repeats them.

    Parameters
    ----------
    settings : sequence of str
        Pythia's, in addition to those of all processes. Later ones overrule earlier ones.

    seed : int
        Pythia's seed.

    hooks : UserHooks or None, default=None
        Pythia does not own them. This generator keeps them alive as long as Pythia.

    batch_size : int or None, default=None
        Events made at a time. None is the number that is fastest without pile-up.

    Yields
    ------
    record : Record
        A batch.
    """
    pythia = start(settings, seed, hooks)
    while True:
        yield next_record(pythia, batch_size or BATCH_SIZE)


def start(settings, seed, hooks=None):
    """Return an initialised Pythia.

    Raises
    ------
    ValueError
        If Pythia does not know a setting, does not take its value, or cannot start.
    """
    import pythia8mc

    _check_ranges(settings)
    pythia = pythia8mc.Pythia("", False)
    for setting in (*SETTINGS, *settings, f"Random:seed = {seed}"):
        if not (pythia.readString(setting, False) and _is_switch(pythia, setting)):
            raise ValueError(
                f"Pythia does not take the setting {setting!r}: it does not know the name, or the "
                "value is of another kind or out of range."
            )
    if hooks is not None:
        pythia.setUserHooksPtr(hooks)
    if not pythia.init():
        raise ValueError(
            f"Pythia cannot start with the settings {list(settings)}: they switch on no process, "
            "or the beams or the cuts on phase space make the process impossible."
        )
    return pythia


@lru_cache(maxsize=64)
def check_start(settings):
    """Raise the errors of :func:`start`. Half a second for a tuple of settings, the first time."""
    start(settings, seed=1)


def check_settings(settings):
    """Pythia settings as a tuple of strings. Settings of the seed are errors."""
    if isinstance(settings, str | Mapping):
        raise TypeError(
            f"settings must be a list of strings such as 'Beams:eCM = 7000.', got {settings!r}."
        )
    for setting in settings:
        if not isinstance(setting, str):
            raise TypeError(
                f"settings must be strings such as 'Beams:eCM = 7000.', got {setting!r}."
            )
        if setting.strip().startswith("Random:"):
            raise ValueError(f"settings may not have {setting!r}: pass the seed as random_state.")
    return tuple(settings)


def _is_switch(pythia, setting):
    """Whether a flag is set to a word for on or off. Pythia would take any other word for off."""
    name, value = _split(setting)
    return not pythia.settings.isFlag(name) or value.lower() in _SWITCH_WORDS


def _check_ranges(settings):
    """Check that maxima are above minima. Pythia would ignore a range that is empty."""
    values = dict(_split(setting) for setting in settings)
    for name, low in values.items():
        high = values.get(f"{name[:-3]}Max") if name.endswith("Min") else None
        # By Pythia's convention a negative maximum means none.
        if high is not None and 0 <= float(high) <= float(low):
            raise ValueError(f"The setting {name} = {low} leaves nothing below its maximum {high}.")


def beam_energy(settings):
    """Energy of both beams together, in GeV; `settings` overrule those of all processes."""
    # Names of settings may have capitals or not.
    values = {name.lower(): value for name, value in map(_split, (*SETTINGS, *settings))}
    try:
        return float(values["beams:ecm"])
    except ValueError:  # start says what is wrong with it
        return math.inf


def _split(setting):
    """Name and value of a setting. Pythia takes a space for the equals sign."""
    name, *value = re.split(r"\s*=\s*|\s+", setting.strip(), maxsplit=1)
    return name, "".join(value)
