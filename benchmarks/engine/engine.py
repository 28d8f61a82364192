"""Cost of the training engine: time of an epoch of `fit`, compared with a bare PyTorch loop.

Both have the same network, batches, optimizer, schedule and data. Their epochs alternate in one
run, so that the state of the machine is the same for both. `fit` runs with and without a callback
of skorch's that is called for each batch. The goal is a ratio of at most 1.05.
"""

import statistics
import time

import numpy as np
import torch
from skorch.callbacks import Callback

from skjetsim._nn import Flow, PrivateRandom, Rows, TrainingNet, TrainingPlan, column_orders
from skjetsim._nn.training._loop import Course

N_ROWS, N_TARGET, N_CONTEXT, BATCH = 20_480, 9, 12, 1024
N_EPOCHS = 15
GOAL = 1.05


def make_flow():
    orders = column_orders(N_TARGET, 6, "random", np.random.default_rng(0))
    with PrivateRandom(torch.Generator().manual_seed(0)):
        return Flow(N_TARGET, N_CONTEXT, orders=orders, hidden_features=(128, 128), n_bins=12)


def bare_epoch(flow, optimizer, target, context, generator):
    """The loop of a user without a package: no validation, no schedule."""
    order = torch.randperm(N_ROWS, generator=generator)
    target, context = target[order], context[order]
    for start in range(0, N_ROWS, BATCH):
        rows = slice(start, start + BATCH)
        optimizer.zero_grad(set_to_none=True)
        (-flow.log_prob(target[rows], context[rows]).mean()).backward()
        torch.nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        optimizer.step()


def engine_epoch(data, callbacks):
    """Return a function that trains for one epoch, as `fit` does."""
    plan = TrainingPlan(
        batch_size=BATCH,
        max_epochs=N_EPOCHS + 1,
        learning_rate=2e-3,
        gradient_clip=5.0,
        callbacks=callbacks,
    )
    net = TrainingNet(make_flow(), plan=plan, generator=torch.Generator().manual_seed(1))
    net.initialize()
    net.course_ = Course(net, data)
    iterator = net.get_iterator(data, training=True)

    def epoch():
        net.notify("on_epoch_begin", dataset_train=data, dataset_valid=None)
        net.run_single_epoch(iterator, training=True, prefix="train", step_fn=net.train_step)

    return epoch


def main():
    rng = np.random.default_rng(0)
    target = torch.as_tensor(rng.normal(size=(N_ROWS, N_TARGET)), dtype=torch.float32)
    context = torch.as_tensor(rng.normal(size=(N_ROWS, N_CONTEXT)), dtype=torch.float32)

    bare = make_flow()
    optimizer = torch.optim.AdamW(bare.parameters(), lr=2e-3, weight_decay=0.0, fused=True)
    generator = torch.Generator().manual_seed(1)
    data = Rows((target, context))
    epochs = {
        "bare loop": lambda: bare_epoch(bare, optimizer, target, context, generator),
        "engine": engine_epoch(data, ()),
        "with callback": engine_epoch(data, (Callback(),)),
    }
    times = {name: [] for name in epochs}
    for number in range(N_EPOCHS + 1):
        for name, epoch in epochs.items():
            start = time.perf_counter()
            epoch()
            if number > 0:  # the first one warms up
                times[name].append(time.perf_counter() - start)
    print(f"threads: {torch.get_num_threads()}, {N_ROWS // BATCH} steps of {BATCH} rows an epoch")
    for name, values in times.items():
        ratios = [value / loop for value, loop in zip(values, times["bare loop"], strict=True)]
        print(
            f"{name:<14} {statistics.median(values) * 1e3:8.1f} ms an epoch (median), ratio to the "
            f"bare loop {statistics.median(ratios):.3f}"
        )
    print(f"goal: at most {GOAL}")


if __name__ == "__main__":
    main()
