"""LossCurveDisplay: losses by epoch of every network inside an estimator."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from _instances import SMALL
from numpy.testing import assert_allclose
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim.compose import EnsembleSimulator, Unfolder
from skjetsim.flows import FlowMatchingSimulator, FlowSimulator
from skjetsim.inspection import LossCurveDisplay

HISTORY = [
    {"epoch": 1, "train_loss": 90.0, "valid_loss": 80.0, "reconstruction": 85.0, "divergence": 5.0},
    {"epoch": 2, "train_loss": 2.0, "valid_loss": 1.5, "reconstruction": 1.5, "divergence": 0.5},
    {"epoch": 3, "train_loss": 1.0, "valid_loss": 1.7, "reconstruction": 0.7, "divergence": 0.3},
]


def lines(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


@pytest.fixture(scope="module")
def events():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    return X, X + rng.normal(size=X.shape)


def test_losses_best_epoch_and_single_losses():
    display = LossCurveDisplay.from_history(HISTORY).plot()
    assert display.best_epochs == {"": 2}
    losses, terms = display.axes_
    drawn = lines(losses)
    assert list(drawn) == ["training", "validation", "best epoch"]
    assert_allclose(drawn["training"].get_xydata(), [[1, 90], [2, 2], [3, 1]])
    assert_allclose(drawn["validation"].get_ydata(), [80, 1.5, 1.7])
    assert_allclose(drawn["best epoch"].get_xdata(), 2)
    assert {"reconstruction", "divergence"} <= set(lines(terms))
    given = LossCurveDisplay.from_history(HISTORY, best_epoch=3)
    assert given.best_epochs == {"": 3}


def test_the_start_does_not_set_the_scale():
    history = [{"train_loss": 1000.0 if epoch < 2 else 1 / epoch} for epoch in range(1, 41)]
    (ax,) = LossCurveDisplay.from_history(history).plot().axes_
    assert ax.get_ylim()[1] < 1
    assert ax.get_ylim()[0] < 1 / 40


def test_without_validation_no_epoch_is_best():
    display = LossCurveDisplay.from_history([{"train_loss": 2.0}, {"train_loss": 1.0}]).plot()
    assert display.best_epochs == {"": None}
    assert list(lines(display.axes_[0])) == ["training"]


def test_what_callbacks_write_is_not_a_loss():
    epoch = {"train_loss": 1.0, "event_lr": 0.1, "valid_loss_best": True, "dur": 3.0, "note": "a"}
    display = LossCurveDisplay.from_history([epoch])
    assert list(display.curves[""].columns) == ["train_loss"]


def test_the_network_is_found_inside(events):
    model = make_pipeline(StandardScaler(), Unfolder(FlowSimulator(**SMALL))).fit(*events)
    flow = model[-1].simulator_
    display = LossCurveDisplay.from_estimator(model)
    expected = [epoch["valid_loss"] for epoch in flow.history_]
    assert_allclose(display.curves[""]["valid_loss"], expected)
    assert display.best_epochs == {"": flow.best_epoch_}
    assert display.valid_is_loss


def test_all_members_of_an_ensemble(events):
    flow = FlowSimulator(**SMALL)
    ensemble = EnsembleSimulator(flow, n_estimators=3, random_state=0).fit(*events)
    display = LossCurveDisplay.from_estimator(ensemble).plot()
    assert list(display.curves) == ["member 0", "member 1", "member 2"]
    (ax,) = display.axes_
    drawn = lines(ax)
    assert list(drawn)[:3] == list(display.curves)
    assert len({drawn[name].get_color() for name in display.curves}) == 3
    dashed = [line for line in ax.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    for member, name, training in zip(ensemble.estimators_, display.curves, dashed, strict=True):
        assert_allclose(drawn[name].get_ydata(), [row["valid_loss"] for row in member.history_])
        assert_allclose(training.get_ydata(), [row["train_loss"] for row in member.history_])
    display.figure_.canvas.draw()
    assert ax.get_position().width > 0.7  # the legend takes no room from the curves


def test_another_quantity_has_a_panel_of_its_own(events):
    model = FlowMatchingSimulator(max_epochs=2, random_state=0).fit(*events)
    display = LossCurveDisplay.from_estimator(model).plot()
    assert not display.valid_is_loss
    losses, valid = display.axes_
    assert "validation" not in lines(losses)
    assert "validation" in lines(valid)
    assert valid.get_ylabel() == "valid_loss"


def test_stages_follow_each_other():
    class Staged:
        best_epoch_ = 1
        net_ = None

        def fit(self):
            stages = ((0, 3.0), (0, 2.0), (1, 1.0))
            self.history_ = [{"stage": stage, "train_loss": loss} for stage, loss in stages]
            return self

    display = LossCurveDisplay.from_estimator(Staged().fit())
    assert display.best_epochs == {"": 3}
    assert list(display.curves[""].index) == [1, 2, 3]


def test_the_legend_hides_no_curve():
    display = LossCurveDisplay.from_history(HISTORY).plot()
    display.figure_.canvas.draw()
    for ax in display.axes_:
        legend = ax.get_legend().get_window_extent()
        assert legend.y0 >= ax.get_window_extent().y1 - 1


def test_bad_input(events):
    with pytest.raises(TypeError, match="GaussianMixture has no history_"):
        LossCurveDisplay.from_estimator(GaussianMixture().fit(events[0]))
    with pytest.raises(TypeError, match="FlowSimulator has no history_: it is not fitted"):
        LossCurveDisplay.from_estimator(FlowSimulator())
    with pytest.raises(ValueError, match="history is empty"):
        LossCurveDisplay.from_history([])
    with pytest.raises(ValueError, match="no 'train_loss': they have"):
        LossCurveDisplay.from_history([{"epoch": 1}])
    display = LossCurveDisplay.from_history(HISTORY)
    with pytest.raises(ValueError, match="axes must be 2 matplotlib Axes"):
        display.plot(plt.subplots(3)[1])
