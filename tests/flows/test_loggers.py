"""Loggers of skorch follow the training of an estimator. Recorders replace their services."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
from skorch.callbacks import MlflowLogger, TensorBoard, WandbLogger

from skjetsim.flows import FlowSimulator


@pytest.fixture
def fit():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = X + rng.normal(size=(200, 2))

    def fit(callback):
        return FlowSimulator(max_epochs=3, random_state=0, callbacks=[callback]).fit(X, y)

    return fit


def losses(model):
    return [row["train_loss"] for row in model.history_]


def test_tensorboard(fit):
    writer = MagicMock()
    model = fit(TensorBoard(writer))
    written = [call.kwargs for call in writer.add_scalar.call_args_list]
    train = [row for row in written if row["tag"] == "Loss/train_loss"]
    assert [row["global_step"] for row in train] == [1, 2, 3]
    assert [row["scalar_value"] for row in train] == losses(model)
    writer.close.assert_called_once()


def test_mlflow(fit):
    run = SimpleNamespace(info=SimpleNamespace(run_id="7"))
    client = MagicMock()
    model = fit(MlflowLogger(run, client))
    logged = [
        call.args[2] for call in client.log_metric.call_args_list if "train_loss" in call.args
    ]
    assert logged == losses(model)
    names = {call.args[1].name for call in client.log_artifact.call_args_list}
    assert {"params.pth", "history.json"} <= names


def test_wandb(fit, tmp_path):
    run = MagicMock(dir=tmp_path)
    model = fit(WandbLogger(run))
    assert [call.args[0]["train_loss"] for call in run.log.call_args_list] == losses(model)
    assert (tmp_path / "best_model.pth").stat().st_size > 0
