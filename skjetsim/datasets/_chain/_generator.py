"""The parameters that all generate_ functions share, in one place."""

from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter, signature

from skjetsim.datasets._chain._card import DetectorCard
from skjetsim.datasets._chain._events import generate_events, generate_tables
from skjetsim.datasets._chain._pythia import check_settings
from skjetsim.utils._docs import documented_as
from skjetsim.utils._parameters import check_real
from skjetsim.utils._validation import check_int, check_n_jobs

OF_THE_DETECTOR = ("detector", "n_detector", "n_pileup")


@dataclass
class Request:
    """Checked arguments of one call.

    Parameters
    ----------
    n_samples : int
        Number of rows: generated events that pass the loose selection. The detector need not
        find them.

    random_state : int, RandomState, Generator or None, default=None
        Seed of generator and detector. An int gives the same bits for any `n_jobs` on one
        machine and version, and fewer samples are the first rows of more.

    detector : DetectorCard or None, default=None
        The detector; None is ``DetectorCard()``. The generated events do not depend on it.

    n_detector : int, default=1
        How many times each generated event passes through the detector, independently. Even a
        perfect simulation differs from the truth by as much as two passes differ.

    n_pileup : float, default=0.0
        Mean number of other inelastic collisions whose particles reach the detector with those of
        the event. The generated events do not depend on it.

    settings : sequence of str, default=()
        Settings of Pythia for other beams, another tune or variations of its parameters, such as
        ``"Beams:eCM = 7000."`` or ``"TimeShower:renormMultFac = 2."``. They overrule those of the
        process.

    memory : str, path-like, joblib.Memory or None, default=None
        Where to keep what was generated. The same call finds it again. A call for more rows finds
        whole parts of 2,000 rows. With another detector or setting, all rows are made anew. Needs a
        `random_state` that repeats.

    n_jobs : int or None, default=None
        Number of worker processes, as in joblib.

    verbose : int, default=0
        Show a progress bar of the rows if not 0.
    """

    n_samples: int
    random_state: object = None
    detector: DetectorCard | None = None
    n_detector: int | None = 1
    n_pileup: float = 0.0
    settings: tuple = ()
    memory: object = None
    n_jobs: int | None = None
    verbose: int = 0

    def __post_init__(self):
        self.n_samples = check_int(self.n_samples, "n_samples")
        self.detector = DetectorCard() if self.detector is None else self.detector
        if not isinstance(self.detector, DetectorCard):
            raise TypeError(f"detector must be a DetectorCard or None, got {self.detector!r}.")
        # None leaves the detector out.
        n_detector = self.n_detector
        self.n_detector = 0 if n_detector is None else check_int(n_detector, "n_detector")
        self.n_pileup = check_real(self.n_pileup, "n_pileup", minimum=0)
        self.settings = check_settings(self.settings)
        check_n_jobs(self.n_jobs)


def generator(*sources, detector=True):
    """Make a decorator that gives a function the parameters of a :class:`Request`.

    With it, a generator is a docstring, its own options, and a process.

    Parameters
    ----------
    *sources : function or class
        Their docstrings fill that of the function, as in :func:`documented_as`. ``%(shared)s``
        stands for all parameters of the request but `n_samples`.

    detector : bool, default=True
        Whether the parameters of the detector are among them.

    Returns
    -------
    callable
        Takes ``function(request, ...)`` and returns a function of `n_samples`, the function's
        other parameters, and those of the request.
    """
    names = [f.name for f in fields(Request) if detector or f.name not in OF_THE_DETECTOR]

    def decorate(function):
        @wraps(function)
        def generate(n_samples, *args, **options):
            shared = {name: options.pop(name) for name in names if name in options}
            return function(Request(n_samples, **shared), *args, **options)

        n_samples, *shared = (_KEYWORDS[name] for name in names)
        own = list(signature(function).parameters.values())[1:]
        first = n_samples.replace(kind=Parameter.POSITIONAL_OR_KEYWORD)
        if generate.__doc__:  # none with python -OO
            entries = "\n\n    ".join(f"%({name})s" for name in names[1:])
            generate.__doc__ = generate.__doc__.replace("%(shared)s", entries)
        generate.__signature__ = signature(function).replace(parameters=[first, *own, *shared])
        return documented_as(Request, generate_events, generate_tables, *sources)(generate)

    return decorate


_KEYWORDS = {
    name: parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=Parameter.empty)
    for name, parameter in signature(Request).parameters.items()
}
