"""Small distributions with exact densities."""

import numpy as np
from scipy.special import gammaln, logsumexp

from skjetsim.utils._parameters import check_positive, check_real
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng
from skjetsim.utils._validation import check_events, check_int

LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)


def make_camel(n_samples=100, *, n_features=1, mean=4.0, scale=1.0, random_state=None):
    """Make a camel: two Gaussians of equal weight.

    With the defaults, it is the distribution in which generative models were first seen to amplify
    their training sample [1]_. In more dimensions the humps lie on the diagonal, which no method
    that treats dimensions one by one can follow [2]_.

    Parameters
    ----------
    n_samples : int, default=100
        Number of points.

    n_features : int, default=1
        Number of dimensions.

    mean : float, default=4.0
        The humps are at plus and minus this in every dimension.

    scale : float, default=1.0
        Standard deviation of the humps in every dimension.

    random_state : int, RandomState, Generator or None, default=None
        Seed. With an int, fewer samples are the first rows of more.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Points.

    Raises
    ------
    ValueError
        If there are no samples or features, `scale` is not positive, or `mean` is not finite.

    See Also
    --------
    camel_log_prob : The density.
    make_shell : A ring, or a shell in more dimensions.

    References
    ----------
    .. [1] A. Butter, S. Diefenbacher, G. Kasieczka, B. Nachman and T. Plehn, "GANplifying event
       samples", SciPost Phys. 10 (2021) 139, arXiv:2008.06545.
    .. [2] G. P. Lepage, "A new algorithm for adaptive multidimensional integration", J. Comput.
       Phys. 27 (1978) 192.

    Examples
    --------
    >>> from skjetsim.datasets import make_camel
    >>> X = make_camel(1000, random_state=0)
    >>> X.shape, bool((abs(X) > 2).mean() > 0.9)
    ((1000, 1), True)
    """
    _check_parameters(mean=mean, scale=scale)
    shape = check_int(n_samples, "n_samples"), check_int(n_features, "n_features")
    root = as_seed_sequence(random_state)
    noise = numpy_rng(root, 0).standard_normal(shape)
    side = 2 * numpy_rng(root, 1).integers(2, size=(len(noise), 1)) - 1
    return side * mean + scale * noise


def camel_log_prob(X, *, mean=4.0, scale=1.0):
    """Log density of :func:`make_camel`.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Points.

    mean : float, default=4.0
        The humps are at plus and minus this in every dimension.

    scale : float, default=1.0
        Standard deviation of the humps in every dimension.

    Returns
    -------
    log_prob : ndarray of shape (n_samples,)
        Natural logarithm of the density.

    Raises
    ------
    ValueError
        If X has values that are not finite, `scale` is not positive, or `mean` is not finite.

    Examples
    --------
    >>> from skjetsim.datasets import camel_log_prob
    >>> camel_log_prob([[0.0], [4.0]]).round(3)
    array([-8.919, -1.612])
    """
    _check_parameters(mean=mean, scale=scale)
    X, _ = check_events(X)
    humps = np.stack([log_normal((X - at) / scale).sum(axis=1) for at in (-mean, mean)])
    return logsumexp(humps, axis=0) - np.log(2) - X.shape[1] * np.log(scale)


def make_shell(n_samples=100, *, n_features=2, radius=4.0, scale=1.0, random_state=None):
    """Make a spherical shell: a Gaussian radius in all directions alike.

    In two dimensions it is a ring. The radius is the absolute value of a Gaussian, that is, a camel
    folded at zero. The shell is used in [1]_ in two and five dimensions.

    Parameters
    ----------
    n_samples : int, default=100
        Number of points.

    n_features : int, default=2
        Number of dimensions.

    radius : float, default=4.0
        Mean of the Gaussian.

    scale : float, default=1.0
        Standard deviation of the Gaussian.

    random_state : int, RandomState, Generator or None, default=None
        Seed. With an int, fewer samples are the first rows of more.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Points.

    Raises
    ------
    ValueError
        If there are no samples or features, `scale` is not positive, or `radius` is not finite.

    See Also
    --------
    shell_log_prob : The density.

    References
    ----------
    .. [1] A. Butter, S. Diefenbacher, G. Kasieczka, B. Nachman and T. Plehn, "GANplifying event
       samples", SciPost Phys. 10 (2021) 139, arXiv:2008.06545.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.datasets import make_shell
    >>> X = make_shell(1000, n_features=5, random_state=0)
    >>> X.shape, round(float(np.linalg.norm(X, axis=1).mean()))
    ((1000, 5), 4)
    """
    _check_parameters(radius=radius, scale=scale)
    shape = check_int(n_samples, "n_samples"), 1 + check_int(n_features, "n_features")
    noise = numpy_rng(as_seed_sequence(random_state)).standard_normal(shape)
    return on_shell(radius, scale, noise)


def on_shell(radius, scale, noise):
    """Points on shells: the first column of `noise` blurs the radius, the others are directions."""
    direction = noise[:, 1:] / np.linalg.norm(noise[:, 1:], axis=1, keepdims=True)
    return np.abs(radius + scale * noise[:, :1]) * direction


def shell_log_prob(X, *, radius=4.0, scale=1.0):
    """Log density of :func:`make_shell`.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Points.

    radius : float, default=4.0
        Mean of the Gaussian.

    scale : float, default=1.0
        Standard deviation of the Gaussian.

    Returns
    -------
    log_prob : ndarray of shape (n_samples,)
        Natural logarithm of the density; infinite at the origin in two dimensions or more.

    Raises
    ------
    ValueError
        If X has values that are not finite, `scale` is not positive, or `radius` is not finite.

    Examples
    --------
    >>> from skjetsim.datasets import shell_log_prob
    >>> shell_log_prob([[4.0, 0.0], [0.0, -4.0]]).round(3)
    array([-4.143, -4.143])
    """
    _check_parameters(radius=radius, scale=scale)
    X, _ = check_events(X)
    distance = np.linalg.norm(X, axis=1)
    folded = np.stack([log_normal((distance - at) / scale) for at in (-radius, radius)])
    return logsumexp(folded, axis=0) - np.log(scale) - _log_sphere(distance, X.shape[1])


def _log_sphere(distance, n_features):
    """Log surface of a sphere."""
    half = n_features / 2
    surface = np.log(2) + half * np.log(np.pi) - gammaln(half)
    if n_features == 1:
        return surface
    with np.errstate(divide="ignore"):
        return surface + (n_features - 1) * np.log(distance)


def log_normal(z):
    """Log density of a standard normal."""
    return -0.5 * z**2 - LOG_ROOT_2PI


def _check_parameters(*, scale, **places):
    check_positive(scale, "scale")
    for name, value in places.items():
        check_real(value, name)
