"""What the docstrings of all `generate_*` functions say alike."""

from __future__ import annotations

from skjetsim.utils._docs import with_docs

__all__ = ["generator_docs"]

generator_docs = with_docs(
    n_samples="""
    n_samples : int
        Number of rows: generated events that pass the loose selection, whether the detector
        finds them or not.
    """,
    n_jets="""
    n_samples : int
        Number of rows: generated jets that pass the selection, whether the detector finds them or
        not.
    """,
    random_state="""
    random_state : int, RandomState, Generator or None, default=None
        Seed of generator and detector. An int gives the same bits for any `n_jobs` on one
        machine and version, and fewer samples are the first rows of more.
    """,
    detector="""
    detector : DetectorCard or None, default=None
        The detector; None is ``DetectorCard()``. The generated events do not depend on it.
    """,
    n_detector="""
    n_detector : int, default=1
        How many times each generated event passes through the detector, independently. The
        difference between two passes is what a perfect simulation still differs by.
    """,
    n_detector_or_none="""
    n_detector : int or None, default=1
        How many times each generated event passes through the detector, independently. The
        difference between two passes is what a perfect simulation still differs by. None leaves
        the detector out, and all keys of the detector level.
    """,
    matching="""
    matching : {"delta_r", "leading"}, default="delta_r"
        Which reconstructed jet belongs to the generated one: the nearest one within
        `match_delta_r` (an event without one is not accepted), or the leading one, whether it is
        near or not; `matched` then says which.
    """,
    n_pileup="""
    n_pileup : float, default=0.0
        Mean number of other inelastic collisions whose particles reach the detector with those of
        the event. The generated events do not depend on it.
    """,
    settings="""
    settings : sequence of str, default=()
        Settings of Pythia for other beams, another tune or variations of its parameters, such as
        ``"Beams:eCM = 7000."`` or ``"TimeShower:renormMultFac = 2."``. They overrule the process's
        own.
    """,
    memory="""
    memory : str, path-like, joblib.Memory or None, default=None
        Where to keep what was generated. The same call finds it again, and a call for more rows
        its whole parts of 2,000 rows; another detector or setting makes all anew. Needs a
        `random_state` that repeats.
    """,
    n_rows="""
    n_samples : int
        Number of rows.
    """,
    random_state_of_partons="""
    random_state : int, RandomState, Generator or None, default=None
        Seed of the generator. An int gives the same bits for any `n_jobs` on one machine and
        version, and fewer samples are the first rows of more.
    """,
    memory_of_partons="""
    memory : str, path-like, joblib.Memory or None, default=None
        Where to keep what was generated. The same call finds it again, and a call for more rows
        its whole parts of 50,000 rows. Needs a `random_state` that repeats.
    """,
    jobs="""
    n_jobs : int or None, default=None
        Worker processes, as in joblib.

    verbose : int, default=0
        Show a progress bar of the rows if not 0.
    """,
    names="""
    feature_names, target_names : list of str
        Names of the columns.
    DESCR : str
        Description of the data.
    """,
    pair_names="""
    feature_names : list of str
        Names of the columns.
    DESCR : str
        Description of the data.
    """,
    cloud_names="""
    feature_names, target_names : list of str
        Names of the last axis of `data` and `target`.
    DESCR : str
        Description of the data.
    """,
    found_jet="""
    accepted : ndarray of bool of shape (n_samples,)
        Whether a reconstructed jet is near the generated one.
    """,
    needs_pythia="""
    ImportError
        Without Pythia, FastJet or Awkward Array; the message says what to install.
    """,
    pythia_refuses="""
    ValueError
        If Pythia does not take a setting or cannot start, or if no event passes.
    """,
    memory_fails="""
    OSError
        If `memory` cannot be written to.
    """,
    pythia="""
    .. [1] C. Bierlich et al., "A comprehensive guide to the physics and usage of PYTHIA 8.3",
       arXiv:2203.11601.
    """,
    delphes="""
    .. [2] DELPHES 3 Collaboration, "DELPHES 3, A modular framework for fast simulation of a
       generic collider experiment", arXiv:1307.6346.
    """,
    otus="""
    .. [1] J. N. Howard, S. Mandt, D. Whiteson and Y. Yang, "Learning to simulate high energy
       particle collisions from unlabeled data", Sci. Rep. 12 (2022) 7567, arXiv:2101.08944.
    """,
)
