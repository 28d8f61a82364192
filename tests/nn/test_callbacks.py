"""Callbacks of skorch and of users in our trainings."""

import pickle
import signal

import numpy as np
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.metrics import make_scorer, mean_squared_error
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    LRScheduler,
    PrintLog,
    ProgressBar,
)
from training_toys import Line, line_set, make_net, weights

from skjetsim.flows import FlowGenerator
from skjetsim.metrics import get_scorer


class Recorder(Callback):
    """Records its calls."""

    def initialize(self):
        self.calls_ = []
        return self

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.calls_.append(("train begins", len(X), len(y)))

    def on_batch_end(self, net, batch=None, training=None, loss=None, **kwargs):
        self.calls_.append(("batch", len(batch), training, loss.shape))

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.calls_.append(("gradient", [name for name, _ in named_parameters]))

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self.calls_.append(("epoch", net.history[-1, "epoch"], net.history[-1, "valid_loss"]))
        self.slope_ = float(net.module_.slope.detach())
        net.history.record("seen", len(dataset_valid))

    def on_train_end(self, net, **kwargs):
        self.calls_.append(("train ends", net.module_.training))


def trained(*callbacks, module=None, **plan):
    net = make_net(module, callbacks=callbacks, **plan)
    return net.fit(line_set(40), line_set(32, slope=0.3, seed=1))


def test_a_callback_is_told_of_everything():
    net = trained(("recorder", Recorder()), max_epochs=2)
    calls = dict(net.callbacks_)["recorder"].calls_
    assert calls[0] == ("train begins", 40, 32)
    assert calls[1] == ("gradient", ["slope", "offset"])
    assert calls[2] == ("batch", 16, True, ())
    assert [call[1] for call in calls if call[0] == "batch"] == [16, 16, 8] * 2
    assert [call[1] for call in calls if call[0] == "epoch"] == [1, 2]
    assert calls[-1] == ("train ends", False)
    assert list(net.entries()[0]) == ["epoch", "train_loss", "valid_loss", "seen"]
    assert torch.equal(weights(net.module_), weights(trained(max_epochs=2).module_))


def test_trainings_share_no_state():
    recorder = Recorder()
    first, second = trained(recorder, max_epochs=1), trained(recorder, max_epochs=2)
    assert not hasattr(recorder, "calls_")
    counts = [
        sum(call[0] == "epoch" for call in net.callbacks_[0][1].calls_) for net in (first, second)
    ]
    assert counts == [1, 2]


def test_at_the_end_of_an_epoch_the_average_is_in_place():
    recorder = Recorder()
    net = trained(recorder, max_epochs=3, ema_decay=0.9)
    last = net.callbacks_[0][1].slope_
    valid = net.history[-1]["valid_loss"]
    raw = trained(Recorder(), max_epochs=3).callbacks_[0][1].slope_
    assert last != raw
    module = Line()
    with torch.no_grad():
        module.load_state_dict(net.module_.state_dict())
    assert net.best_epoch_ == 3
    assert float(module.slope.detach()) == last
    assert module.eval().monitor(line_set(32, slope=0.3, seed=1), None) == pytest.approx(valid)


def overshooting(*callbacks, **plan):
    return trained(*callbacks, max_epochs=30, schedule="constant", learning_rate=0.02, **plan)


def test_early_stopping_ends_training_and_keeps_the_best_epoch():
    stopped = overshooting(EarlyStopping(patience=3))
    patient = overshooting(patience=3)
    assert stopped.entries() == patient.entries()
    assert len(stopped.history) == stopped.best_epoch_ + 3 < 30
    assert torch.equal(weights(stopped.module_), weights(patient.module_))
    assert not stopped.module_.training


def test_what_was_stopped_stays_so_when_it_is_resumed(tmp_path):
    path = str(tmp_path / "training.pt")
    stopped = overshooting(EarlyStopping(patience=3), checkpoint=path)
    again = overshooting(EarlyStopping(patience=3), checkpoint=path)
    assert again.module_.calls == 0
    assert again.entries() == stopped.entries()


def test_ctrl_c_in_a_callback_goes_on_up():
    class Interrupted(Recorder):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                signal.raise_signal(signal.SIGINT)

    net = make_net(callbacks=[Interrupted()])
    # A process that was started in the background ignores Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            net.fit(line_set(40), line_set(32))
    finally:
        signal.signal(signal.SIGINT, before)
    assert net.best_epoch_ == 2
    assert net.callbacks_[0][1].calls_[-1] == ("train ends", False)


def test_a_callback_that_fails_leaves_the_best_epoch():
    class Failing(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                raise RuntimeError("no space")

    net = make_net(callbacks=[Failing()])
    with pytest.raises(RuntimeError, match="no space"):
        net.fit(line_set(40))
    assert net.best_epoch_ == 2
    assert not net.module_.training


def test_scores_of_epochs():
    def offset(net, X, y):
        return np.float64(len(X) + float(net.module_.offset.detach()))

    net = trained(EpochScoring(offset, lower_is_better=False), max_epochs=3)
    assert net.history[-1]["offset"] == 32 + float(net.module_.offset.detach())
    assert isinstance(net.history[-1]["offset_best"], bool)


@pytest.mark.parametrize(
    "scoring",
    [
        "r2",
        "neg_energy_score",
        None,
        mean_squared_error,
        make_scorer(mean_squared_error),
        get_scorer("neg_energy_score"),
    ],
)
def test_scorers_that_need_predictions(scoring):
    with pytest.raises(TypeError, match=r"Give EpochScoring a function scoring\(net, X, y\)"):
        make_net(callbacks=[EpochScoring(scoring)])


def test_scores_of_batches():
    with pytest.raises(TypeError, match=r"BatchScoring.*Give EpochScoring a function"):
        make_net(callbacks=[BatchScoring(lambda net, X, y: 0.0)])


class Unmonitored(Line):
    def monitor(self, data, generator):
        return None


def test_nothing_to_monitor():
    stop = EarlyStopping(patience=1, threshold=10.0)  # no epoch is better by so much
    with pytest.raises(ValueError, match=r'EarlyStopping monitors "valid_loss".*held back'):
        make_net(callbacks=[stop]).fit(line_set())
    with pytest.raises(ValueError, match=r'monitors "valid_loss".*`monitor` gives none'):
        trained(stop, module=Unmonitored())
    stop.monitor = "train_loss"
    assert len(make_net(callbacks=[stop]).fit(line_set()).history) == 2


def test_a_pass_over_more_rows_has_the_callbacks_of_its_plan():
    net = trained(EarlyStopping(), max_epochs=1)
    with pytest.raises(ValueError, match='monitors "valid_loss"'):
        net.train_once(line_set(), net.plan)
    seen = []

    def scoring(net, X, y):
        seen.append(len(X))
        return 0.0

    plan = make_net(callbacks=[EpochScoring(scoring, on_train=True)]).plan
    net.train_once(line_set(40), plan)
    net.train_once(line_set(40), plan)
    net.train_once(line_set(40), make_net().plan)
    assert seen == [40, 40]


def test_scores_are_in_the_checkpoint(tmp_path):
    def offset(net, X, y):
        return np.float64(float(net.module_.offset.detach()))

    path = str(tmp_path / "training.pt")
    plan = {"max_epochs": 3, "checkpoint": path}
    whole = trained(EpochScoring(offset), **plan)
    assert trained(EpochScoring(offset), **plan).entries() == whole.entries()


def test_a_schedule_of_torch():
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.5)
    net = trained(schedule, schedule="constant", max_epochs=3)
    assert net.history[:, "event_lr"] == pytest.approx([0.05, 0.025, 0.0125])
    each = LRScheduler("ExponentialLR", gamma=0.9, step_every="batch")
    net = trained(each, schedule="constant", max_epochs=2)
    assert net.optimizer_.param_groups[0]["lr"] == pytest.approx(0.05 * 0.9**6)


def test_a_schedule_of_torch_resumes(tmp_path):
    def net(after=None, **plan):
        def interrupt(_):
            raise KeyboardInterrupt

        schedule = LRScheduler("ExponentialLR", gamma=0.9, step_every="batch")
        return make_net(Line(after, interrupt), callbacks=[schedule], schedule="constant", **plan)

    path = str(tmp_path / "training.pt")
    whole = net().fit(line_set(40))
    with pytest.raises(KeyboardInterrupt):
        net(after=8, checkpoint=path).fit(line_set(40))
    resumed = net(checkpoint=path).fit(line_set(40))
    assert torch.equal(weights(resumed.module_), weights(whole.module_))


def test_gradients_are_clipped_by_skorch_too():
    clipped = trained(GradientNormClipping(0.01))
    assert torch.equal(weights(clipped.module_), weights(trained(gradient_clip=0.01).module_))


def test_progress_log_and_files_of_skorch(capsys, tmp_path):
    lines = []
    net = trained(PrintLog(sink=lines.append), ProgressBar(), Checkpoint(dirname=str(tmp_path)))
    assert "train_loss" in lines[0]
    assert len(lines) == 2 + 4
    assert (tmp_path / "params.pt").exists()
    assert len(net.history) == 4
    capsys.readouterr()


def test_two_schedules_and_no_callback():
    with pytest.raises(ValueError, match='set schedule="constant"'):
        make_net(callbacks=[LRScheduler()])
    with pytest.raises(TypeError, match="not a skorch Callback"):
        make_net(callbacks=["EarlyStopping"])
    with pytest.raises(TypeError, match="list of skorch callbacks"):
        make_net(callbacks=EarlyStopping())


def test_metadata_routing_makes_no_difference():
    with config_context(enable_metadata_routing=True):
        assert trained(max_epochs=2).entries() == trained(max_epochs=2).entries()


def test_a_pickled_net_goes_on_learning():
    net = trained(ema_decay=0.5)
    again = pickle.loads(pickle.dumps(net))
    before = weights(again.module_).clone()
    for each in (net, again):
        for _ in range(2):
            each.train_once(line_set(), each.plan)
    assert not torch.equal(weights(again.module_), before)
    assert torch.equal(weights(again.module_), weights(net.module_))


def test_estimators_say_what_early_stopping_needs():
    X = np.random.default_rng(0).normal(size=(100, 2))
    flow = FlowGenerator(
        n_transforms=2, hidden_features=(8,), n_bins=4, device="cpu", max_epochs=1, random_state=0
    )
    flow.set_params(callbacks=[EarlyStopping()], validation_fraction=0)
    with pytest.raises(ValueError, match=r'validation_fraction.*monitor="train_loss"'):
        flow.fit(X)
    flow.set_params(validation_fraction=0.2).fit(X)
    with pytest.raises(ValueError, match='monitors "valid_loss"'):
        flow.partial_fit(X)
    assert len(flow.set_params(callbacks=None).partial_fit(X).history_) == 2


def test_estimators_hand_callbacks_on():
    model = FlowGenerator(
        n_transforms=2, hidden_features=(8,), n_bins=4, device="cpu", max_epochs=9, random_state=0
    )
    model.callbacks = [("stop", EarlyStopping(monitor="train_loss", patience=1, threshold=0.9))]
    model.fit(np.random.default_rng(0).normal(size=(100, 2)))
    assert len(model.history_) < 9
    assert "batches" not in model.history_[0]
    assert clone(model.callbacks, safe=False)[0][1].patience == 1
