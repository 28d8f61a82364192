"""Speed of training and sampling of flows, compared with zuko and with the bare networks.

The peers have the same architecture, batches and data. They are zuko's couplings with zuko's
splines, and zuko's NSF with as many splines per column, which is what its users write: three masked
networks of two passes each. The bare networks are only the linear maps and activations of our
conditioners. They are the upper limit for a flow of this architecture. All steps are timed in turn,
and the best of several rounds counts. Last, what one event of `FlowSimulator.sample` costs compared
with a chunk.
"""

import argparse
import time

import numpy as np
import torch
import zuko
from zuko.flows.coupling import GeneralCouplingTransform
from zuko.transforms import MonotonicRQSTransform

from skjetsim._drawing._chunked import CHUNK_ROWS
from skjetsim._nn import Flow, PrivateRandom, column_orders
from skjetsim.datasets import load_wjet
from skjetsim.flows import FlowSimulator

# As the default FlowSimulator on W + jet: nine columns, twelve inputs.
N_TARGET, N_CONTEXT, N_LAYERS, N_BINS, HIDDEN = 9, 12, 6, 8, (128, 128)
BATCH = 2048
GOALS = {"training": 2.0, "sampling": 3.0}  # beside either peer
GOAL_BARE = 0.7
GOAL_ONE_EVENT = 100


def ours():
    orders = column_orders(N_TARGET, N_LAYERS, "random", np.random.default_rng(0))
    with PrivateRandom(torch.Generator().manual_seed(0)):
        return Flow(N_TARGET, N_CONTEXT, orders=orders, hidden_features=HIDDEN, n_bins=N_BINS)


def zuko_couplings():
    shapes = [(N_BINS,), (N_BINS,), (N_BINS - 1,)]
    layers = [
        GeneralCouplingTransform(
            N_TARGET,
            N_CONTEXT,
            mask=torch.arange(N_TARGET) % 2 == index % 2,
            univariate=MonotonicRQSTransform,
            shapes=shapes,
            hidden_features=HIDDEN,
        )
        for index in range(N_LAYERS)
    ]
    base = zuko.flows.UnconditionalDistribution(
        zuko.distributions.DiagNormal, torch.zeros(N_TARGET), torch.ones(N_TARGET), buffer=True
    )
    return zuko.lazy.Flow(layers, base)


def zuko_nsf():
    return zuko.flows.NSF(
        N_TARGET,
        N_CONTEXT,
        transforms=N_LAYERS // 2,
        bins=N_BINS,
        passes=2,
        hidden_features=HIDDEN,
    )


def bare_networks(flow):
    """Conditioners of our couplings, and inputs of the right width for them."""
    return [layer.conditioner.network for layer in flow.layers]


def jobs():
    """Functions to time, by name: training steps of a batch, and draws of a chunk."""
    flow, couplings, nsf = ours(), zuko_couplings(), zuko_nsf()
    networks = bare_networks(flow)
    optimizer = {
        name: torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
        for name, model in (("ours", flow), ("couplings", couplings), ("nsf", nsf))
    }
    target, context = torch.randn(BATCH, N_TARGET), torch.randn(BATCH, N_CONTEXT)
    noise, chunk = torch.randn(CHUNK_ROWS, N_TARGET), torch.randn(CHUNK_ROWS, N_CONTEXT)

    def step(name, loss):
        optimizer[name].zero_grad(set_to_none=True)
        loss().backward()
        optimizer[name].step()

    def bare(n_rows, train):
        for network in networks:
            result = network(torch.randn(network[0].in_features, n_rows))
            if train:
                result.sum().backward()

    def draw(function):
        with torch.inference_mode():
            function()

    return {
        "training": {
            "ours": lambda: step("ours", lambda: -flow.log_prob(target, context).mean()),
            "zuko couplings": lambda: step(
                "couplings", lambda: -couplings(context).log_prob(target).mean()
            ),
            "zuko NSF": lambda: step("nsf", lambda: -nsf(context).log_prob(target).mean()),
            "bare": lambda: bare(BATCH, True),
        },
        "sampling": {
            "ours": lambda: draw(lambda: flow.from_base(noise, chunk)),
            "zuko couplings": lambda: draw(lambda: couplings(chunk).sample()),
            "zuko NSF": lambda: draw(lambda: nsf(chunk).sample()),
            "bare": lambda: draw(lambda: bare(CHUNK_ROWS, False)),
        },
    }


def best_times(functions, rounds):
    """Seconds of each function, run in turn, the best of all rounds."""
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def print_one_event(rounds):
    """Print the time of one event of `sample`, and of a chunk, for a table and for an array."""
    X, y = load_wjet(return_X_y=True)
    tables = {"DataFrame": (X, y), "array": (X.to_numpy(), y.to_numpy())}
    for kind, (X, y) in tables.items():
        model = FlowSimulator(max_epochs=1, random_state=0).fit(X[:CHUNK_ROWS], y[:CHUNK_ROWS])

        def seconds(n_rows, model=model, X=X):
            return best_times({"": lambda: model.sample(X[:n_rows], random_state=0)}, rounds)[""]

        one, chunk = seconds(1), seconds(CHUNK_ROWS)
        print(
            f"{kind}: one event {1e3 * one:.2f} ms, {CHUNK_ROWS} events {1e3 * chunk:.1f} ms: "
            f"1/{chunk / one:.1f} (goal: at most 1/{GOAL_ONE_EVENT})"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    print(
        f"{N_TARGET} columns, {N_CONTEXT} inputs, {N_LAYERS} couplings of {N_BINS} bins, networks "
        f"of {HIDDEN}; training by {BATCH}, sampling by {CHUNK_ROWS} rows"
    )
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        for what, functions in jobs().items():
            n_rows = BATCH if what == "training" else CHUNK_ROWS
            best = best_times(functions, options.rounds)
            rates = {name: n_rows / seconds for name, seconds in best.items()}
            row = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
            print(f"{n_threads} threads, {what}, events/s: {row}")
            for name in ("zuko couplings", "zuko NSF", "bare"):
                goal = GOAL_BARE if name == "bare" else GOALS[what]
                ratio = rates["ours"] / rates[name]
                print(f"    ours / {name}: {ratio:.2f} (goal: at least {goal})", flush=True)
    torch.set_num_threads(1)
    print_one_event(options.rounds)


if __name__ == "__main__":
    main()
