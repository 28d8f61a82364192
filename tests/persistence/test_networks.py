"""Networks are restored by the name of their attribute, whole or not at all."""

import numpy as np
import pytest
from file_toys import rewrite
from network_toys import TWO_NETS, TwoNets
from numpy.testing import assert_array_equal

from skjetsim import load, save

X = np.random.default_rng(0).normal(size=(20, 5))


@pytest.fixture
def two_nets(path):
    model = TwoNets().fit(X).set_params(width=9)
    save(model, path)
    return model


def test_two_networks_come_back_as_two(two_nets, path):
    again = load(path, trusted=[TWO_NETS])
    for name in ("encoder_net_", "decoder_net_"):
        own, saved = (getattr(m, name).module_.state_dict() for m in (again, two_nets))
        assert own.keys() == saved.keys()
        for key in own:
            assert_array_equal(own[key], saved[key])
    assert not again.encoder_net_.module_.training
    assert_array_equal(again.transform(X), two_nets.transform(X))
    assert not hasattr(again, "net_")


def forge(path, change):
    rewrite(path, lambda structure, m, arrays: change(structure["networks"], arrays))


def refused(path, match):
    with pytest.raises(ValueError, match=match):
        load(path, trusted=[TWO_NETS])


def test_a_network_that_the_class_does_not_have(two_nets, path):
    forge(path, lambda nets, _: nets.update(critic_net_=nets.pop("decoder_net_")))
    refused(path, "a TwoNets has no network 'critic_net_'")


def test_networks_of_a_class_that_has_none(path):
    from sklearn.preprocessing import StandardScaler

    save(StandardScaler().fit(X), path)
    rewrite(path, lambda structure, *_: structure["networks"].update(net_={}))
    with pytest.raises(ValueError, match="StandardScaler has no networks"):
        load(path)


def test_missing_and_unknown_tensors(two_nets, path):
    forge(path, lambda nets, _: nets["encoder_net_"].pop("bias") and None)
    refused(path, r"the network encoder_net_ lacks the tensors \['bias'\]")
    forge(path, lambda nets, _: nets.update(encoder_net_=nets["decoder_net_"] | {"gain": "x"}))
    refused(path, "cannot be read")


def test_exchanged_networks_and_types(two_nets, path):
    def exchange(nets, _):
        nets["encoder_net_"], nets["decoder_net_"] = nets["decoder_net_"], nets["encoder_net_"]

    def integers(nets, arrays):
        key = nets["encoder_net_"]["bias"]
        arrays[key] = arrays[key].astype(np.int32)

    forge(path, exchange)
    refused(path, r"'weight' of the network decoder_net_ has shape \(3, 5\) .*, and \(5, 3\)")
    save(two_nets, path)
    forge(path, integers)
    refused(path, r"'bias' of the network encoder_net_ has shape \(3,\) \(torch.int32\)")
