"""Atoms that go together: a jet that is not there has neither pT nor eta nor phi."""

import numpy as np

EXCEPTIONS = 10.0  # an implication must have had as many occasions to fail by chance
FIRST_ROWS = 2048  # most pairs fail here


def implications(table, parents, children, order):
    """Atoms of one column that imply an atom of another one, in all events.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    parents, children : list of (int, float)
        Atoms as (column, value) that may imply, and that may be implied.
    order : sequence of int
        Columns in the order in which they are decoded. An atom implies those of later columns only.

    Returns
    -------
    ndarray of shape (n_implications, 4)
        Column and value of the atom that implies, column and value of the atom that is implied, in
        the order in which they are decoded.
    """
    place = {column: number for number, column in enumerate(order)}
    parents = sorted((p for p in parents if p[0] in place), key=lambda p: place[p[0]])
    children = sorted((c for c in children if c[0] in place), key=lambda c: place[c[0]])
    if not parents or not children:
        return np.empty((0, 4))
    head = table[:FIRST_ROWS]
    of_parent, parent_values = zip(*parents, strict=True)
    of_child, child_values = zip(*children, strict=True)
    is_parent = (head[:, of_parent] == parent_values).astype(np.float32)
    is_not_child = (head[:, of_child] != child_values).astype(np.float32)
    exceptions = is_parent.T @ is_not_child
    parent_place, child_place = ([place[j] for j in own] for own in (of_parent, of_child))
    earlier = np.less.outer(parent_place, child_place)
    candidates = (exceptions == 0) & earlier
    found, forced = [], {}
    for number, (j, b) in enumerate(children):
        chosen = np.flatnonzero(candidates[:, number])
        if not len(chosen):
            continue
        at_child = table[:, j] == b
        rare = 1.0 - at_child.mean()
        for parent in chosen:
            i, a = parents[parent]
            at_parent = table[:, i] == a
            # Others are implied by an earlier atom.
            new = at_parent & ~forced.get((i, a), False) & ~forced.get((j, b), False)
            if np.count_nonzero(at_parent) * rare < EXCEPTIONS or not new.any():
                continue
            if at_child[at_parent].all():
                found.append((i, a, j, b))
                forced[j, b] = forced.get((j, b), False) | at_parent
    return np.array(found, dtype=np.float64).reshape(-1, 4)


def forced_atoms(pairs, table):
    """Mask of the values that the atom of another column implies, of the shape of the table."""
    forced = np.zeros(table.shape, dtype=bool)
    for i, a, j, _ in pairs:
        forced[:, int(j)] |= table[:, int(i)] == a
    return forced


def force(pairs, table):
    """Set implied atoms, in place."""
    for i, a, j, b in pairs:
        table[table[:, int(i)] == a, int(j)] = b


def broken(pairs, table):
    """Mask of the values that differ from what the atom of another column implies."""
    result = np.zeros(table.shape, dtype=bool)
    for i, a, j, b in pairs:
        result[:, int(j)] |= (table[:, int(i)] == a) & (table[:, int(j)] != b)
    return result
