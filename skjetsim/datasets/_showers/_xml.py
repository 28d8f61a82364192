"""Binning files of the CaloChallenge, read into layers."""

from xml.etree import ElementTree

from skjetsim.datasets._showers._layer import ShowerLayer
from skjetsim.datasets._showers._material import ShowerMaterial

BIN_ATTRIBUTES = {"pid", "etaMin", "etaMax", "name"}


def _radii(text):
    return tuple(map(float, text.split(",")))


# Functions that read the values of attributes.
LAYER_ATTRIBUTES = {"id": int, "n_bin_alpha": int, "r_edges": _radii}


def read_layers(path, depth, particle, material):
    """Layers of a file, see :meth:`ShowerGeometry.from_xml`."""
    rows = [_layer_row(layer, path) for layer in _binning(path, particle)]
    numbers = [row["number"] for row in rows]
    with_cells = [row["number"] for row in rows if row["r_edges"]]
    depths = _by_number(depth, "depth", numbers, with_cells)
    material = ShowerMaterial() if material is None else material
    materials = _by_number(material, "material", numbers, numbers)
    layers = []
    for number, row in zip(numbers, rows, strict=True):
        if row["r_edges"] and number not in depths:
            raise ValueError(f"depth has no entry for layer {number}, which has cells.")
        material = materials.get(number, ShowerMaterial())
        layers.append(ShowerLayer(depths.get(number, 0.0), material=material, **row))
    return tuple(layers)


def _by_number(value, name, numbers, meant):
    """Values by layer number, from such a dict or from one value for the layers in `meant`."""
    if not isinstance(value, dict):
        return dict.fromkeys(meant, value)
    unknown = sorted(set(value) - set(numbers))
    if unknown:
        raise ValueError(f"{name} has an entry for layer {unknown[0]}; the file has {numbers}.")
    return value


def _binning(path, particle):
    """Bin element of the particle."""
    try:
        root = ElementTree.parse(path).getroot()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"There is no file {str(path)!r}: path must be a binning file of the CaloChallenge, "
            "XML with Layer elements in a Bin for each particle."
        ) from error
    except ElementTree.ParseError as error:
        raise ValueError(f"{path} is not an XML file: {error}.") from error
    bins = [child for child in root if child.tag == "Bin"]
    if root.tag != "Bins" or not bins:
        raise ValueError(
            f"{path} is not a binning file: it must have Bin elements in Bins, the outermost "
            f"element is {root.tag!r}."
        )
    for element in bins:
        _check_attributes(element, BIN_ATTRIBUTES, path)
    names = [element.get("name") for element in bins]
    if particle is None and len(bins) > 1:
        raise ValueError(f"{path} has binnings for {names}; choose one by particle=.")
    if particle is not None and particle not in names:
        raise ValueError(f"{path} has no binning for {particle!r}; it has {names}.")
    return bins[0 if particle is None else names.index(particle)]


def _check_attributes(element, known, path):
    unknown = sorted(set(element.attrib) - known)
    if unknown:
        raise ValueError(
            f"{path}: {element.tag} has an unknown attribute {unknown[0]!r}; known are "
            f"{sorted(known)}."
        )


def _layer_row(element, path):
    """Arguments of a ShowerLayer from a Layer element. A single radius means no rings."""
    if element.tag != "Layer":
        raise ValueError(f"{path}: a Bin holds Layer elements, not {element.tag!r}.")
    _check_attributes(element, set(LAYER_ATTRIBUTES), path)
    values = {}
    for name, read in LAYER_ATTRIBUTES.items():
        text = element.get(name)
        if text is None:
            raise ValueError(f"{path}: a Layer has no {name!r}; it has {element.attrib}.")
        try:
            values[name] = read(text)
        except ValueError as error:
            raise ValueError(f"{path}: {name}={text!r} of a Layer is not a number.") from error
    edges = values["r_edges"] if len(values["r_edges"]) > 1 else ()
    return {"number": values["id"], "r_edges": edges, "n_alpha": values["n_bin_alpha"]}
