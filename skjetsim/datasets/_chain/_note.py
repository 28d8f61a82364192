"""What a sample is and how it was made, in words, for its `DESCR`."""

import numbers
from dataclasses import fields
from importlib import resources
from importlib.metadata import version

from skjetsim.datasets._chain._card import DetectorCard

_MAX_VALUE_LENGTH = 80


def description(name):
    """Text of a file in ``descr``."""
    return (resources.files("skjetsim.datasets") / "descr" / name).read_text("utf-8")


def describe(process, request, choices, passes=()):
    """Text of a process, and of the sample that a call makes.

    Parameters
    ----------
    process : Process or LeptonPairs
        Its `description` is a file in ``descr``.

    request : Request
        What the user asks of any generator.

    choices : dict
        What else the user chose, by name.

    passes : sequence of dict of ndarray, default=()
        What was reconstructed in each detector pass.

    Returns
    -------
    str
        The text in reStructuredText.
    """
    # A generator's state is too long to print.
    seed = request.random_state
    seed = seed if isinstance(seed, numbers.Integral) else "not an int"
    parts = [f"{request.n_samples} rows", f"random_state {seed}"]
    parts += [f"{name} {value!r}" for name, value in choices.items()]
    parts += [f"setting {setting!r}" for setting in request.settings]
    if request.n_pileup:
        parts.append(f"{request.n_pileup:g} other collisions per event on average")
    if passes:
        parts += _differences(request.detector)
        parts.append(f"{passes[0]['accepted'].mean():.3f} of the rows are accepted")
    parts += [f"Pythia {version('pythia8mc')}", f"FastJet {version('fastjet')}"]
    return description(process.description) + _paragraph(parts)


def describe_bundled(process, metadata, accepted):
    """Text of a process, and of a bundled sample.

    Parameters
    ----------
    process : Process
        Its `description` is a file in ``descr``.

    metadata : dict of str
        Metadata of the file: its seed, and the versions of the packages that made it.

    accepted : ndarray of bool
        Rows that the detector accepts.

    Returns
    -------
    str
        The text in reStructuredText.
    """
    parts = [f"{len(accepted)} rows", f"random_state {metadata['seed']}", "all else by default"]
    parts.append(f"{accepted.mean():.3f} of the rows are accepted")
    parts += [f"Pythia {metadata['pythia8mc']}", f"FastJet {metadata['fastjet']}"]
    parts.append("stored in single precision or, of clouds and images, with 12 significant bits")
    return description(process.description) + _paragraph(parts)


def _differences(card):
    """Fields in which a detector differs from the default one."""
    default = DetectorCard()
    for field in fields(card):
        value = getattr(card, field.name)
        if value != getattr(default, field.name):
            shown = repr(value)
            if len(shown) > _MAX_VALUE_LENGTH:
                shown = "other than by default"
            yield f"detector's {field.name} {shown}"


def _paragraph(parts):
    text = ";\n".join(f"- {part}" for part in parts)
    return f"\n**This sample**, which counts if the text above differs:\n\n{text}.\n"
