"""How a sample was made, in words, for its `DESCR`."""

import numbers
from dataclasses import fields
from importlib.metadata import version

from skjetsim.datasets._chain._card import DetectorCard

_MAX_VALUE_LENGTH = 80


def sample_note(request, choices, passes=()):
    """Paragraph about one sample.

    Parameters
    ----------
    request : Request
        What the user asks of any generator.

    choices : dict
        What else the user chose, by name.

    passes : sequence of dict of ndarray, default=()
        What was reconstructed in each detector pass.

    Returns
    -------
    str
        In reStructuredText.
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
    return _paragraph(parts)


def bundled_note(n_samples, metadata, accepted):
    """Paragraph about a bundled sample, from the metadata of its file.

    Parameters
    ----------
    n_samples : int
        Number of rows made.

    metadata : dict of bytes
        Seed, and versions of the packages that made it.

    accepted : float
        Part of the rows that the detector accepts.

    Returns
    -------
    str
        In reStructuredText.
    """
    seed, pythia, fastjet = (metadata[key].decode() for key in (b"seed", b"pythia8mc", b"fastjet"))
    parts = [f"{n_samples} rows", f"random_state {seed}", "all else by default"]
    parts += [f"{accepted:.3f} of the rows are accepted", f"Pythia {pythia}", f"FastJet {fastjet}"]
    parts.append("stored in single precision or, of clouds and images, with 12 significant bits")
    return _paragraph(parts)


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
