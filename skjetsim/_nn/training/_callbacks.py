"""skorch's callbacks in a training: copies, checks, a progress bar, and how a callback stops it."""

import copy
import dis

from skorch.callbacks import BatchScoring, Callback, EpochScoring, LRScheduler


class _EpochBar(Callback):
    """Progress over the epochs; skorch's own bar shows the batches of one epoch."""

    def on_train_begin(self, net, **kwargs):
        from tqdm.auto import tqdm

        self.bar_ = tqdm(
            total=net.plan.max_epochs, initial=len(net.history), desc="training", unit="epoch"
        )

    def on_epoch_end(self, net, **kwargs):
        entries = net.history[-1]
        if "valid_loss" in entries:
            best = min(net.history[:, "valid_loss"])
            # Without refresh: the bar does not count this epoch yet.
            losses = {"valid_loss": f"{entries['valid_loss']:.4f}", "best": f"{best:.4f}"}
            self.bar_.set_postfix(losses, refresh=False)
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        self.bar_.close()


def make_callbacks(plan):
    """Copy the plan's callbacks, so that trainings share no state, and add the progress bar.

    The copies are shallow: the writer of a logger, for example, is the one that was given.

    Raises
    ------
    TypeError
        If `plan.callbacks` holds something else, or a scorer that a network cannot be given to.
    ValueError
        If two schedules would set the learning rate.
    """
    if not isinstance(plan.callbacks, (list, tuple)):
        raise TypeError(f"callbacks must be a list of skorch callbacks, got {plan.callbacks!r}.")
    callbacks = []
    for item in plan.callbacks:
        named = isinstance(item, (list, tuple)) and len(item) == 2
        callback = copy.copy(item[1] if named else item)
        _check_callback(callback, plan)
        callbacks.append((item[0], callback) if named else callback)
    return [*callbacks, _EpochBar()] if plan.verbose else callbacks


def _check_callback(callback, plan):
    kind = callback if isinstance(callback, type) else type(callback)
    if not issubclass(kind, Callback):
        raise TypeError(
            f"callbacks holds {callback!r}, which is not a skorch Callback; each must be one, or a "
            "pair (name, callback)."
        )
    if issubclass(kind, LRScheduler) and plan.schedule != "constant":
        raise ValueError(
            f"callbacks has an LRScheduler, but schedule={plan.schedule!r} sets the learning rate "
            'too: set schedule="constant".'
        )
    scoring = getattr(callback, "scoring", None)
    if issubclass(kind, BatchScoring) or (issubclass(kind, EpochScoring) and _is_scorer(scoring)):
        raise TypeError(
            f"callbacks holds {kind.__name__}(scoring={scoring!r}), but a network in training has "
            "no predict and no score. Give EpochScoring a function scoring(net, X, y), which gets "
            "the held-out rows as the network sees them, and y=None. To score events, score the "
            "fitted estimator."
        )


def _is_scorer(scoring):
    """Whether `scoring` is a name, a scorer or a metric, which all need predictions."""
    package = getattr(scoring, "__module__", "").partition(".")[0]
    return not callable(scoring) or package in ("sklearn", "skjetsim")


def check_monitored(callbacks, why):
    """Raise ValueError if a callback monitors "valid_loss", which is not there; `why` says why."""
    for item in callbacks:
        name, callback = item if isinstance(item, (list, tuple)) else (type(item).__name__, item)
        if getattr(callback, "monitor", None) == "valid_loss":
            raise ValueError(
                f'The callback {name} monitors "valid_loss", which this training does not have: '
                f'{why}. Or give the callback monitor="train_loss".'
            )


def is_decision(error):
    """Whether a `raise` statement raised a KeyboardInterrupt, rather than Ctrl-C.

    skorch's EarlyStopping ends training by such a statement. A signal arrives between other
    instructions.
    """
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"]
