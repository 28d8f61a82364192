"""The main job, end to end, with a budget of seconds."""

import numpy as np
import pytest

import skjetsim.demo


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("demo") / "report"
    arguments = ["--events", "3000", "--epochs", "3", "--chain-events", "20"]
    return skjetsim.demo.main([*arguments, "--output", str(folder)]), folder


def test_demo_writes_plots_and_a_report_of_one_file(run):
    _, folder = run
    assert sorted(path.name for path in folder.iterdir()) == [
        "features.png",
        "report.html",
        "responses.png",
    ]
    page = (folder / "report.html").read_text()
    for name in ("features", "responses", "generator against detector level"):
        assert f'alt="{name}" src="data:image/png;base64,' in page
    for fact in ("joint AUC", "training, s", "simulated events / s", "model file, kB", "selected"):
        assert fact in page


def test_identity_and_shuffle_fail_where_the_model_does_not(run):
    table, _ = run
    response = table["response W1 / std"]
    assert {"model", "floor 95%", "identity", "shuffled"} < set(response.columns)
    assert (response["floor 95%"] < response["identity"]).all()
    assert response["model"].median() < 0.5 * response["shuffled"].median()
    assert np.isfinite(table.to_numpy()).all()
    # Marginals alone would call the shuffle perfect.
    assert (table["marginal W1 / std"]["shuffled"] == 0).all()
