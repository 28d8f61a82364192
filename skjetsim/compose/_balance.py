"""Offsets of a classifier's log-probabilities that reproduce the observed yields."""

import numpy as np
from scipy.special import softmax

# The weighting of classes shifts log-probabilities by less. Only a classifier that is certain of
# something wrong needs more.
LARGEST = 30.0


def balance(log_p, weight, observed, names):
    """Offsets for which the expected number of events of each class is the observed one.

    They maximise the likelihood, which is concave in them, by Newton's steps of bounded length.

    Parameters
    ----------
    log_p : ndarray of shape (n_samples, n_classes)
    weight : ndarray of shape (n_samples,)
    observed : ndarray of shape (n_classes,)
        Sums of weights, all positive.
    names : list of str
        Classes, as the error calls them.

    Returns
    -------
    ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If the classifier is certain of something wrong.
    """
    offset = np.zeros(len(observed))
    for _ in range(100):
        p = softmax(log_p + offset, axis=1)
        expected = weight @ p
        gap = observed - expected
        if np.abs(gap).max() <= 1e-9 * weight.sum():
            return offset - offset.mean()
        curvature = np.diag(expected) - (p * weight[:, None]).T @ p
        # A common shift of all classes changes nothing: the first class stays.
        step = np.linalg.lstsq(curvature[1:, 1:], gap[1:], rcond=None)[0]
        offset[1:] += np.clip(step, -3.0, 3.0)
        if np.ptp(offset) > LARGEST:
            break
    wrong = int(np.argmax(np.abs(gap)))
    raise ValueError(
        f"classifier is certain of something wrong: it expects {expected[wrong]:.6g} events of "
        f"pattern {names[wrong]!r}, but {observed[wrong]:.6g} are observed, and no shift of its "
        "log-probabilities corrects that. Take one that is trained on the likelihood, or calibrate "
        "it with sklearn.calibration.CalibratedClassifierCV."
    )
