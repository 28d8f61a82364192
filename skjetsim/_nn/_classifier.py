"""A small network that tells two samples apart."""

from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from skjetsim._nn.training._network import Network

WIDTH = 128


class BinaryClassifier(Network):
    """Log-odds of label 1, from a network with two hidden layers.

    Parameters
    ----------
    n_columns : int
    """

    def __init__(self, n_columns):
        super().__init__()
        hidden = [nn.Linear(n_columns, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU()]
        self.layers = nn.Sequential(*hidden, nn.Linear(WIDTH, 1))

    def log_odds(self, X):
        """Log-odds of each row."""
        return self.layers(X)[:, 0]

    def losses(self, step, batch, generator):
        """Cross-entropy for each row of X and label."""
        X, label = batch.inputs
        odds = self.log_odds(X)
        return {"loss": binary_cross_entropy_with_logits(odds, label.float(), reduction="none")}
