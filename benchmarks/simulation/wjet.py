"""Fast simulation of W + jet in one table: published, copula, flow, peer and floor.

The figures are those of `simulation.py`. The models are the published simulation; quantiles, as
published and with a copula; a mixture of five flows; and a flow after four minutes. The peer is a
bare zuko loop that trains for as long as the last of these.
"""

import argparse

from benchmarks.shared.zuko_loop import ZukoLoop
from benchmarks.simulation.simulation import SETTINGS, compare
from skjetsim.compose import EnsembleSimulator
from skjetsim.flows import FlowSimulator
from skjetsim.response import QuantileSimulator, make_wjet_pipeline, make_wjet_quantile

# What the quantiles need beyond the published settings, chosen by held-out loss on training events.
COPULA = {
    "n_quantiles": 17,
    "hidden_features": (192, 192),
    "batch_size": 512,
    "schedule": "cosine",
    "learning_rate": 4e-3,
    "weight_decay": 0.5,
    "gradient_clip": 5.0,
    "max_epochs": 30,
}


def models():
    """Simulations in the table, by name."""
    flow = FlowSimulator(**SETTINGS["wjet"], random_state=0)
    return {
        "published": make_wjet_quantile(random_state=0),
        "published heads": make_wjet_pipeline(
            QuantileSimulator(random_state=0), met_reference="jet"
        ),
        "copula": make_wjet_pipeline(
            QuantileSimulator(**COPULA, random_state=0), met_reference="jet"
        ),
        # A mixture: what one flow has memorised of its events the others have not.
        "five flows": EnsembleSimulator(
            make_wjet_pipeline(flow),
            n_estimators=5,
            resampling="folds",
            n_jobs=2,
            random_state=0,
        ),
        "flow": make_wjet_pipeline(flow),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-train", type=int)
    parser.add_argument("--n-test", type=int)
    parser.add_argument("--only", nargs="*", help="names of models; the peer is left out")
    options = parser.parse_args()
    chosen = models()
    if options.only is not None:
        chosen = {name: chosen[name] for name in options.only}
    peer = ZukoLoop if options.only is None else None
    compare("wjet", chosen, options.n_train, options.n_test, peer=peer)


if __name__ == "__main__":
    main()
