import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.inspection import MarginalDisplay
from skjetsim.metrics import histogram_band
from skjetsim.utils import _weighted
from skjetsim.utils._weighted import clustered_histogram

EDGES = np.array([-2.0, -1.0, 0.0, 0.5, 2.0])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("negative", [False, True])
def test_single_draws_are_a_weighted_histogram(rng, negative):
    values = rng.normal(size=500) * 1.5
    weight = rng.uniform(0.1, 2.0, 500)
    if negative:
        weight[::7] *= -1
    content, error = clustered_histogram(values, EDGES, weight)
    inside = np.clip(values, -2, 2)
    sums, _ = np.histogram(inside, EDGES, weights=weight)
    squares, _ = np.histogram(inside, EDGES, weights=weight**2)
    assert_allclose(content, sums / weight.sum())
    assert_allclose(error, np.sqrt(squares) / weight.sum())
    same = clustered_histogram(values[:, None], EDGES, weight)
    assert_array_equal(same, (content, error))
    assert_allclose(
        clustered_histogram(values, EDGES), clustered_histogram(values, EDGES, np.full(500, 3.0))
    )


def test_it_is_what_the_displays_draw(rng):
    values = rng.normal(size=(2, 300))
    display = MarginalDisplay.from_samples(*values, bins=4, range=(-2, 2))
    content, error = clustered_histogram(values[1], display.edges)
    assert_allclose(display.generated, content)
    assert_allclose(display.generated_error, error)


def test_edges_belong_to_the_bin_above_and_the_last_to_its_own():
    content, _ = clustered_histogram(np.array([-9.0, -1.0, 0.0, 2.0, 2.0, 9.0]), EDGES)
    assert_allclose(content, np.array([1, 1, 1, 3]) / 6)


def test_repeated_events_carry_no_more_information(rng):
    values, weight = rng.normal(size=200), rng.uniform(1, 2, 200)
    once = clustered_histogram(values, EDGES, weight)
    assert_allclose(clustered_histogram(np.repeat(values[:, None], 9, 1), EDGES, weight), once)


def test_errors_of_draws_cluster_by_event(rng):
    # One event decides most of where its draws go: the toy's scatter is that of the events.
    contents, errors = [], []
    for _ in range(300):
        draws = rng.normal(size=(100, 1)) + 0.3 * rng.normal(size=(100, 20))
        content, error = clustered_histogram(draws, EDGES)
        contents.append(content)
        errors.append(error)
    content = np.mean(contents, axis=0)
    scatter = np.std(contents, axis=0)
    # The error lets the number of events fluctuate too.
    bound = np.sqrt(scatter**2 + content**2 / 100)
    assert_allclose(np.mean(errors, axis=0), bound, rtol=0.08)
    naive = np.sqrt(content / 2000)
    assert (np.mean(errors, axis=0) > 2 * naive).all()


def test_many_events_are_taken_in_parts(rng, monkeypatch):
    values, weight = rng.normal(size=(50, 3)), rng.normal(1, 1, 50)
    whole = clustered_histogram(values, EDGES, weight)
    monkeypatch.setattr(_weighted, "CELLS", 40)
    assert_allclose(clustered_histogram(values, EDGES, weight), whole)


def test_band_of_shifted_members(rng):
    noise = rng.normal(size=400)
    members = np.stack([noise, noise + 0.2, noise - 0.4])
    weight = rng.normal(1, 0.5, 400)
    band = histogram_band(members, EDGES, sample_weight=weight)
    each = np.stack([clustered_histogram(member, EDGES, weight)[0] for member in members])
    assert sorted(band) == ["content", "statistical", "systematic", "total"]
    assert_allclose(band.content, each.mean(axis=0))
    assert_allclose(band.content.sum(), 1)
    assert_allclose(band.systematic, each.std(axis=0, ddof=1))
    assert_allclose(band.total**2, band.statistical**2 + band.systematic**2)
    assert_array_equal(
        band.statistical, clustered_histogram(members.T, EDGES, sample_weight=weight)[1]
    )


def test_equal_members_have_no_systematic_error(rng):
    values = rng.normal(size=300)
    band = histogram_band([values] * 4, EDGES)
    content, error = clustered_histogram(values, EDGES)
    assert_allclose(band.content, content)
    assert_allclose(band.statistical, error)
    assert_allclose(band.systematic, 0, atol=1e-15)


def test_draws_are_a_third_axis(rng):
    members = rng.normal(size=(5, 200, 8))
    band = histogram_band(members, EDGES)
    flat = np.moveaxis(members, 0, 1).reshape(200, 40)
    assert_allclose([band.content, band.statistical], clustered_histogram(flat, EDGES))
    assert band.total.shape == (4,)


def _nan(shape, at):
    members = np.zeros(shape)
    members[at] = np.nan
    return members


@pytest.mark.parametrize(
    ("members", "edges", "message"),
    [
        (np.zeros((1, 5)), EDGES, r"1 member\(s\).*at least two"),
        ([], EDGES, r"0 member\(s\)"),
        (np.zeros(5), EDGES, r"member 0 has shape \(\)"),
        (np.zeros((3, 0)), EDGES, r"member 0 has shape \(0,\)"),
        (np.zeros((2, 3, 4, 5)), EDGES, r"member 0 has shape \(3, 4, 5\)"),
        ([np.zeros(5), np.zeros(4)], EDGES, r"member 1 has shape \(4,\), but member 0 has \(5,\)"),
        (_nan((3, 5), (1, 2)), EDGES, r"member 1 has NaN or infinity in row 2 \(1 bad"),
        (_nan((3, 5, 2), (2, 4, 1)), EDGES, "member 2 has NaN or infinity in row 4"),
        (np.zeros((2, 5)), [0.0, 1.0], "two bins or more"),
        (np.zeros((2, 5)), [[0.0, 1.0, 2.0]], "two bins or more"),
        (np.zeros((2, 5)), [0.0, 2.0, 1.0], "increase"),
        (np.zeros((2, 5)), [0.0, 1.0, 1.0], "increase"),
        (np.zeros((2, 5)), [0.0, 1.0, np.nan], "increase"),
        (np.full((2, 5), 0.2), EDGES, "in the bin 2 of 4.*reach from 0.2 to 0.2"),
    ],
)
def test_bad_input(members, edges, message):
    with pytest.raises(ValueError, match=message):
        histogram_band(members, edges)


def test_weights_that_leave_one_bin_or_no_yield():
    members = np.array([[-1.5, 0.2], [-1.5, 0.2]])
    with pytest.raises(ValueError, match="in the bin 0 of 4"):
        histogram_band(members, EDGES, sample_weight=[1, 0])
    with pytest.raises(ValueError, match="sample_weight sums to -1"):
        histogram_band(members, EDGES, sample_weight=[1, -2])
    with pytest.raises(ValueError, match="there are 2 events"):
        histogram_band(members, EDGES, sample_weight=[1, 1, 1])
