"""Model files of earlier versions are read, and give the same results."""

import json
import zipfile

import numpy as np
import pytest
from file_toys import names_in
from kept_models import FOLDER, kept, outputs
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator
from test_names import public_classes

from skjetsim import load
from skjetsim._persistence._compiled import PARTS as COMPILED
from skjetsim._persistence._decoder import minor_version
from skjetsim._persistence._names import is_ours
from skjetsim._persistence._registry import FUNCTIONS, STATE

FILES = sorted(FOLDER.glob("*.skjetsim"))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@every_file
def test_kept_models_give_what_they_gave(path):
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    saved = minor_version(manifest["versions"]["scikit-learn"])
    if manifest["foreign"] and saved != minor_version():
        with pytest.raises(ValueError, match=rf"Install scikit-learn {saved}"):
            load(path)
        return
    X, y, expected = kept(path.stem)
    given = outputs(load(path), X, y)
    assert given.keys() == expected.keys()
    for method, values in expected.items():
        if method == "get_params":  # a later version may have more
            assert values.items() <= given[method].items()
        else:  # float32 networks, on any processor
            values = np.asarray(values)
            if values.dtype.kind == "U":
                assert_array_equal(given[method], values)
                continue
            assert_allclose(given[method], values, rtol=1e-4, atol=1e-4 * np.std(values))


@every_file
def test_no_file_says_where_the_code_is(path):
    for name in names_in(path):
        assert name in STATE or name in FUNCTIONS or name in COMPILED or "._" not in name
        if is_ours(name) and name not in FUNCTIONS:
            assert name in public_classes()


def test_each_public_estimator_is_kept():
    """If this fails, run tests/persistence/kept_models.py: it adds files of new estimators."""
    found = set().union(*(names_in(path) for path in FILES))
    bases = ("skjetsim.base.", "skjetsim.compose.ConditionalTransformerMixin")
    missing = {
        name
        for name, cls in public_classes().items()
        if issubclass(cls, BaseEstimator) and not name.startswith(bases)
    } - found
    assert not missing
    # Encoders that no public estimator has yet.
    assert set(STATE) - found <= {"CloudEncoder", "ImageEncoder"}
