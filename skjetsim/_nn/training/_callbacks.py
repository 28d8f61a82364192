"""skorch's callbacks in a training: own copies, a progress bar, a wish to stop."""

import copy
import dis

from skorch.callbacks import Callback, LRScheduler


class _EpochBar(Callback):
    """Progress over the epochs of a training; skorch's own bar is of the batches of one."""

    def on_train_begin(self, net, **kwargs):
        from tqdm.auto import tqdm

        self.bar_ = tqdm(
            total=net.plan.max_epochs, initial=len(net.history), desc="training", unit="epoch"
        )

    def on_epoch_end(self, net, **kwargs):
        entries = net.history[-1]
        if "valid_loss" in entries:
            best = min(net.history[:, "valid_loss"])
            self.bar_.set_postfix(valid_loss=f"{entries['valid_loss']:.4f}", best=f"{best:.4f}")
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        self.bar_.close()


def make_callbacks(plan):
    """Copies of the plan's callbacks, so that trainings share no state; and the progress bar.

    The copies are shallow: what a callback was given, such as the writer of a logger, is the same.

    Raises
    ------
    TypeError
        If something else is among them.
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


def is_decision(error):
    """Whether a `raise` statement raised a KeyboardInterrupt, and no Ctrl-C.

    skorch's EarlyStopping ends training so. A signal's comes in between other instructions.
    """
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"]
