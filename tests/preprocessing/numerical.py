"""Derivatives by central differences, as the oracle of log-determinants."""

import numpy as np


def numerical_log_det(transformer, events, step=1e-5):
    """log |det d transform / d events| of each row, each column moved by `step` of its size."""
    slopes = np.empty((len(events), events.shape[1], events.shape[1]))
    for j, name in enumerate(events.columns):
        width = step * np.maximum(1, events[name].abs())
        up, down = (events.assign(**{name: events[name] + sign * width}) for sign in (1, -1))
        change = transformer.transform(up) - transformer.transform(down)
        slopes[:, :, j] = change.to_numpy() / (2 * np.asarray(width))[:, None]
    return np.linalg.slogdet(slopes)[1]


def rotated(events, angle):
    """Events turned about the beam, columns `*_phi` alone."""
    turned = events.copy()
    for name in [column for column in events if column.endswith("_phi")]:
        phi = events[name] + angle
        turned[name] = np.arctan2(np.sin(phi), np.cos(phi))
    return turned
