"""Cost of the training engine: an epoch of `fit` against a bare PyTorch loop.

The same network, batches, optimizer, schedule and data, epochs interleaved in one run, so that
both see the same machine. Goal: at most 1.05.
"""

import statistics
import time

import numpy as np
import torch

from skjetsim._nn import TensorNet, TrainingPlan, TrainingSet, build_flow, column_orders
from skjetsim._nn._engine import _Run

N_ROWS, N_TARGET, N_CONTEXT, BATCH = 20_480, 9, 12, 1024
N_EPOCHS = 15
GOAL = 1.05


def make_flow():
    return build_flow(
        N_TARGET,
        N_CONTEXT,
        generator=torch.Generator().manual_seed(0),
        orders=column_orders(N_TARGET, 6, "random", np.random.default_rng(0)),
        hidden_features=(128, 128),
        n_bins=12,
    )


def bare_epoch(flow, optimizer, target, context, generator):
    """What a user would write without a package: no validation, no schedule."""
    order = torch.randperm(N_ROWS, generator=generator)
    target, context = target[order], context[order]
    for start in range(0, N_ROWS, BATCH):
        rows = slice(start, start + BATCH)
        optimizer.zero_grad(set_to_none=True)
        flow(target[rows], context[rows]).mean().backward()
        torch.nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        optimizer.step()


def main():
    rng = np.random.default_rng(0)
    target = torch.as_tensor(rng.normal(size=(N_ROWS, N_TARGET)), dtype=torch.float32)
    context = torch.as_tensor(rng.normal(size=(N_ROWS, N_CONTEXT)), dtype=torch.float32)

    bare = make_flow()
    optimizer = torch.optim.AdamW(bare.parameters(), lr=2e-3, weight_decay=0.0, fused=True)
    generator = torch.Generator().manual_seed(1)

    plan = TrainingPlan(
        batch_size=BATCH, max_epochs=N_EPOCHS + 1, learning_rate=2e-3, gradient_clip=5.0
    )
    net = TensorNet(make_flow(), plan=plan, generator=torch.Generator().manual_seed(1))
    net.initialize()
    run = _Run(net, TrainingSet((target, context)), None)

    times = {"bare loop": [], "engine": []}
    for epoch in range(N_EPOCHS + 1):
        start = time.perf_counter()
        bare_epoch(bare, optimizer, target, context, generator)
        middle = time.perf_counter()
        run.train_epoch()
        end = time.perf_counter()
        if epoch > 0:  # the first one warms up
            times["bare loop"].append(middle - start)
            times["engine"].append(end - middle)
    ratios = [engine / loop for engine, loop in zip(*reversed(times.values()), strict=True)]
    print(f"threads: {torch.get_num_threads()}, {N_ROWS // BATCH} steps of {BATCH} rows an epoch")
    for name, values in times.items():
        print(f"{name:<12} {statistics.median(values) * 1e3:8.1f} ms an epoch (median)")
    print(f"ratio, median of {len(ratios)} interleaved pairs: {statistics.median(ratios):.3f}")
    print(f"goal: at most {GOAL}")


if __name__ == "__main__":
    main()
