"""Files of other versions are read if that is safe, else refused with the cure."""

import json
import zipfile

import pytest
from _instances import SMALL, paired_events
from file_toys import entries_of, rewrite, write_entries
from numpy.testing import assert_array_equal
from sklearn.preprocessing import StandardScaler

from skjetsim import load, save
from skjetsim._persistence._registry import RENAMED
from skjetsim.compose import Unfolder
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.metrics import GenerativeScorer, ks_distance
from skjetsim.pipeline import make_generative_pipeline

X, Y = paired_events()


def test_a_newer_format(model, path):
    save(model, path)
    rewrite(path, lambda structure, manifest, *_: manifest.update(format=99))
    with pytest.raises(ValueError, match=r"format 99, which is newer than .* \(3\)\. Upgrade"):
        load(path)


@pytest.mark.parametrize("number", [1, 2, 3.0, True, "two", None])
def test_no_format(model, path, number):
    save(model, path)
    rewrite(path, lambda structure, manifest, *_: manifest.update(format=number))
    with pytest.raises(ValueError, match=r"not a skjetsim model file \(format"):
        load(path)


def test_a_newer_format_may_be_another_archive(model, path):
    save(model, path)
    entries, _ = entries_of(path)
    manifest = json.loads(entries["manifest.json"]) | {"format": 4}
    write_entries(path, {"manifest.json": json.dumps(manifest)}, b"", zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="format 4, which is newer"):
        load(path)


def test_foreign_estimators_need_the_same_minor_version(path, monkeypatch):
    import skjetsim._persistence._decoder

    pipeline = make_generative_pipeline(StandardScaler(), FlowGenerator(**SMALL)).fit(X)
    save(pipeline, path)
    monkeypatch.setattr(skjetsim._persistence._decoder.sklearn, "__version__", "1.99.0")
    with pytest.raises(ValueError, match=r"StandardScaler as scikit-learn .* Install scikit-learn"):
        load(path)


def test_ours_load_across_versions(model, path, monkeypatch):
    import skjetsim._persistence._decoder

    save(model, path)
    monkeypatch.setattr(skjetsim._persistence._decoder.sklearn, "__version__", "1.99.0")
    assert_array_equal(load(path).sample(3, random_state=0), model.sample(3, random_state=0))


def test_a_parameter_that_a_newer_version_added_gets_its_default(model, path):
    save(model, path)
    rewrite(path, lambda structure, *_: structure["state"].pop("gradient_clip") and None)
    again = load(path)
    assert again.gradient_clip == 5.0
    assert_array_equal(again.sample(3, random_state=0), model.sample(3, random_state=0))


def test_a_parameter_that_this_version_does_not_know(model, path):
    save(model, path)
    rewrite(path, lambda structure, *_: structure["state"].update(n_heads=4))
    with pytest.raises(ValueError, match=r"FlowGenerator with the parameter 'n_heads'.* Upgrade"):
        load(path)


def test_a_parameter_without_default_that_is_missing(path):
    save(Unfolder(FlowSimulator()), path)
    rewrite(path, lambda structure, *_: structure["state"].pop("simulator") and None)
    with pytest.raises(ValueError, match="Unfolder without the parameter 'simulator'"):
        load(path)


def test_renamed_classes_and_functions(path, monkeypatch):
    for old, new in (("OldScorer", "GenerativeScorer"), ("ks", "ks_distance")):
        monkeypatch.setitem(RENAMED, f"skjetsim.metrics.{old}", f"skjetsim.metrics.{new}")
    save(GenerativeScorer(ks_distance, bins=3), path)

    def old_names(structure, manifest, arrays):
        manifest["estimator"] = "OldScorer"
        structure["class"] = "skjetsim.metrics.OldScorer"
        structure["state"]["metric"]["name"] = "skjetsim.metrics.ks"

    rewrite(path, old_names)
    again = load(path)
    assert type(again) is GenerativeScorer
    assert again.metric is ks_distance
    assert again.bins == 3
