"""Model files that every later version has to read, and their results when they were written.

`python tests/persistence/kept_models.py` writes missing files: run it after adding an estimator to
`kept_estimators.py`. It does not change present files, since they test the version that wrote them.
`--again` writes all files anew, before a release or with a new format.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parent / "models"
N_KEPT = 5  # events


def outputs(model, X, y):
    """Results of a model by method. Those of a scorer are its parameters."""
    from skjetsim import log_prob, sample, sample_inverse
    from skjetsim.base import is_generator, is_simulator, is_unfolder

    if not hasattr(model, "fit"):
        params = model.get_params().items()
        return {
            "get_params": {name: getattr(value, "__name__", repr(value)) for name, value in params}
        }
    if is_generator(model):
        given = {"sample": sample(model, n_samples=len(y), random_state=1)}
        return given | {"log_prob": log_prob(model, y)}
    if is_unfolder(model):
        return {"sample_inverse": sample_inverse(model, y, random_state=1)}
    if is_simulator(model):
        given = {"sample": sample(model, X, random_state=1)}
        if hasattr(model, "score_samples"):
            given["log_prob"] = log_prob(model, X, y)
        return given
    if hasattr(model, "transform_target"):
        return {"transform_target": model.transform_target(X, y)}
    if hasattr(model, "predict"):
        return {"predict": model.predict(X)}
    return {"transform": model.transform(y)}


def kept(name):
    """Events and outputs that were written with a model."""
    record = json.loads((FOLDER / f"{name}.json").read_text())
    return pd.DataFrame(record["X"]), pd.DataFrame(record["y"]), record["outputs"]


def fitted(estimator, X, y):
    from skjetsim.base import is_generator, is_simulator, is_unfolder

    if not hasattr(estimator, "fit"):
        return estimator
    if is_simulator(estimator) or is_unfolder(estimator) or hasattr(estimator, "transform_target"):
        return estimator.fit(X, y)
    if is_generator(estimator) or not hasattr(estimator, "predict"):
        return estimator.fit(y)
    return estimator.fit(X, y)


def write(name, estimator, X, y):
    from skjetsim import save

    model = fitted(estimator, X, y)
    X, y = (side.head(N_KEPT).reset_index(drop=True) for side in (X, y))
    given = {
        method: value if isinstance(value, dict) else np.asarray(value).tolist()
        for method, value in outputs(model, X, y).items()
    }
    record = {"X": X.to_dict("list"), "y": y.to_dict("list"), "outputs": given}
    save(model, FOLDER / f"{name}.skjetsim")
    (FOLDER / f"{name}.json").write_text(json.dumps(record))


def main(again):
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from kept_estimators import estimators, tables
    from sklearn.base import clone

    FOLDER.mkdir(exist_ok=True)
    pairs = tables()
    for name, (table, estimator) in estimators().items():
        if again or not (FOLDER / f"{name}.json").exists():
            print(name)
            write(name, clone(estimator), *pairs[table])


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # directions of this assignment are far from the jets'
    main("--again" in sys.argv[1:])
