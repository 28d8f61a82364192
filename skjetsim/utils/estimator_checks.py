"""Checks for estimators that derive from the base classes of this package.

They are scikit-learn's own (`sklearn.utils.estimator_checks`) and, on top of them, the contract of
generators, simulators, unfolders and transformers of y given X: seeds, shapes, names, weights, bad
input, scores, densities, copies and files.
"""

import re
from functools import partial

from sklearn.utils import estimator_checks as sklearn_checks

from skjetsim.utils._contract._events import paired_events
from skjetsim.utils._contract._kinds import WITHOUT_EVENTS, contract_checks, reasons

__all__ = ["check_estimator", "estimator_checks_generator", "parametrize_with_checks"]


def estimator_checks_generator(estimator, *, events=None, expected_failed_checks=None, mark=None):
    """Yield an estimator with each of its checks.

    Parameters
    ----------
    estimator : estimator
        A generator, simulator, unfolder, a Pipeline that ends in one, or a transformer that derives
        from `ConditionalTransformerMixin`. It should be fitted in a fraction of a second, and have
        an int as `random_state`.
    events : callable, optional
        ``events(n_events=240, seed=0)`` returns two DataFrames, X and y, with one row per event.
        Give it for an estimator that needs certain columns. Checks of scikit-learn that have their
        own tables, and checks of clouds and of constant columns, are then left out. By default, X
        and y are the pT and eta of a muon before and after a detector.
    expected_failed_checks : dict of str to str, optional
        Names of further checks that cannot pass, with the reason. Reasons that follow from the
        kind of the estimator are known: `transform` of a simulator draws noise, networks count
        rows in mini-batches, a Pipeline fits its steps in place.
    mark : {"xfail", "skip"} or None, default=None
        How checks that are expected to fail are marked, as in scikit-learn.

    Yields
    ------
    estimator : estimator
    check : callable
        ``check(estimator)`` raises AssertionError, with a message that says what is expected.

    Examples
    --------
    >>> from skjetsim.flows import FlowGenerator
    >>> from skjetsim.utils.estimator_checks import estimator_checks_generator
    >>> flow = FlowGenerator(max_epochs=1, random_state=0)
    >>> names = [check.func.__name__ for _, check in estimator_checks_generator(flow)]
    >>> "check_fit_repeats" in names
    True
    """
    expected = reasons(estimator) | (expected_failed_checks or {})
    for _, check in sklearn_checks.estimator_checks_generator(estimator):
        if events is None or _name(check) in WITHOUT_EVENTS:
            yield _marked(estimator, check, expected.get(_name(check)), mark)
    source = paired_events if events is None else events
    name = type(estimator).__name__
    for check in contract_checks(estimator, any_table=events is None):
        reason = expected.get(check.__name__)
        yield _marked(estimator, partial(check, name, events=source), reason, mark)


def _name(check):
    return getattr(check, "func", check).__name__


def _marked(estimator, check, reason, mark):
    if reason is None or mark is None:
        return estimator, check
    import pytest

    # Not strict, since such a check may pass by chance.
    marks = {
        "xfail": pytest.mark.xfail(reason=reason, strict=False),
        "skip": pytest.mark.skip(reason=reason),
    }
    return pytest.param(estimator, check, marks=marks[mark])


def check_estimator(estimator, *, events=None, expected_failed_checks=None):
    """Check that an estimator keeps scikit-learn's rules and the contract of this package.

    Parameters
    ----------
    estimator : estimator
        See `estimator_checks_generator`.
    events : callable, optional
        ``events(n_events=240, seed=0)`` returns X and y; see `estimator_checks_generator`.
    expected_failed_checks : dict of str to str, optional
        Names of further checks that cannot pass, with the reason.

    Returns
    -------
    dict of str to str
        "passed", "skipped" or "expected to fail" for the name of each check.

    Raises
    ------
    AssertionError
        With the first check that fails and is not expected to.

    Examples
    --------
    >>> from skjetsim.flows import FlowGenerator
    >>> from skjetsim.utils.estimator_checks import check_estimator
    >>> flow = FlowGenerator(n_transforms=1, hidden_features=(4,), max_epochs=1, random_state=0)
    >>> check_estimator(flow)["check_fit_repeats"]
    'passed'
    """
    from unittest import SkipTest

    expected = reasons(estimator) | (expected_failed_checks or {})
    results = {}
    for one, check in estimator_checks_generator(
        estimator, events=events, expected_failed_checks=expected_failed_checks
    ):
        name = _name(check)
        try:
            check(one)
        except SkipTest:
            results[name] = "skipped"
        except Exception as error:
            if name not in expected:
                raise AssertionError(f"{name}: {error}") from error
            results[name] = "expected to fail"
        else:
            results[name] = "passed"
    return results


def parametrize_with_checks(estimators, *, events=None, expected_failed_checks=None):
    """Make pytest run a test for each check of each estimator.

    Parameters
    ----------
    estimators : list of estimators
        See `estimator_checks_generator`.
    events : callable, optional
        ``events(n_events=240, seed=0)`` returns X and y; see `estimator_checks_generator`.
    expected_failed_checks : callable, optional
        Takes an estimator and returns a dict from the names of further checks that it cannot pass
        to reasons.

    Returns
    -------
    pytest.mark.parametrize
        Of a test with the arguments `estimator` and `check`.

    Examples
    --------
    >>> from skjetsim.flows import FlowGenerator
    >>> from skjetsim.utils.estimator_checks import parametrize_with_checks
    >>> @parametrize_with_checks([FlowGenerator(max_epochs=1, random_state=0)])
    ... def test_contract(estimator, check):
    ...     check(estimator)
    """
    import pytest

    cases = []
    for estimator in estimators:
        failing = None if expected_failed_checks is None else expected_failed_checks(estimator)
        cases += estimator_checks_generator(
            estimator, events=events, expected_failed_checks=failing, mark="xfail"
        )
    return pytest.mark.parametrize(("estimator", "check"), cases, ids=_label)


def _label(value):
    """Identifier of a test: an estimator with its parameters, or the name of a check."""
    if hasattr(value, "get_params"):
        return re.sub(r"\s", "", repr(value))
    return _name(value)
