"""Single mutations of a source file: the operators of cosmic-ray, and three more.

cosmic-ray exchanges operators, numbers and keywords. Numerical code also fails in other ways: it
calls the wrong function, forgets the weights of the events, or ignores a seed.
"""

import ast
import random
from abc import abstractmethod
from dataclasses import dataclass

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from parso.python.tree import Name

SWAPS = {
    **{"sin": "cos", "cos": "sin", "min": "max", "max": "min", "minimum": "maximum"},
    **{"maximum": "minimum", "floor": "ceil", "ceil": "floor", "any": "all", "all": "any"},
    **{"argmin": "argmax", "argmax": "argmin", "zeros": "ones", "ones": "zeros"},
    **{"log": "log1p", "log1p": "log", "mean": "sum", "sum": "mean", "append": "remove"},
    **{"sinh": "cosh", "cosh": "sinh", "exp": "expm1", "expm1": "exp", "std": "var"},
}
WEIGHTS = ("weight", "weights")
SEEDS = ("seed", "rng", "generator", "random_state")


class _NameOperator(Operator):
    """Replace names that `becomes` has a replacement for."""

    @abstractmethod
    def becomes(self, node):
        """Return the new name, or None."""

    def mutation_positions(self, node):
        if isinstance(node, Name) and self.becomes(node) is not None:
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        return Name(self.becomes(node), node.start_pos, prefix=node.prefix)

    @classmethod
    def examples(cls):
        return ()


class SwapFunction(_NameOperator):
    """Call another function: sin for cos, minimum for maximum."""

    def becomes(self, node):
        """Return the other function's name if the node is called, else None."""
        called = node.get_next_leaf()
        return SWAPS.get(node.value) if called is not None and called.value == "(" else None


class _ArgumentToNone(_NameOperator):
    """Give None to a function in place of a variable."""

    endings: tuple

    def becomes(self, node):
        parent = node.parent
        in_call = parent.type == "arglist" or (
            parent.type == "trailer" and parent.children[0] == "("
        )
        is_value = parent.type == "argument" and parent.children[-1] is node
        if not (in_call or is_value) or node.value.split("_")[-1] not in self.endings:
            return None
        return "None"


class ForgetWeights(_ArgumentToNone):
    """Give None to a function in place of weights."""

    endings = WEIGHTS


class ForgetSeed(_ArgumentToNone):
    """Give None to a function in place of a seed or a generator."""

    endings = SEEDS


@dataclass(frozen=True)
class Mutant:
    """A file with a single mutation.

    Attributes
    ----------
    line : int
    before, after : str
        The line, and what it becomes.
    operator : str
    source : str
        The mutated file.
    """

    line: int
    before: str
    after: str
    operator: str
    source: str


def mutants_of(source, seed):
    """One mutant for each place of a source file that can be mutated, in random order.

    Annotations, f-strings and the arguments of `raise` are left alone: tests do not look at them.

    Parameters
    ----------
    source : str
    seed : int
        Governs the order, and which of the mutations of a place is taken.

    Returns
    -------
    iterator of Mutant
    """
    rng = random.Random(seed)
    left_alone = _left_alone(source)
    places = {}
    for operator in _operators():
        nodes = ast_nodes(get_ast(source))
        spans = (span for node in nodes for span in operator.mutation_positions(node))
        for occurrence, (start, stop) in enumerate(spans):
            if not any(first <= start and stop <= last for first, last in left_alone):
                places.setdefault((start, stop), []).append((operator, occurrence))
    chosen = [(start, rng.choice(places[start, stop])) for start, stop in sorted(places)]
    rng.shuffle(chosen)
    for (line, _), (operator, occurrence) in chosen:
        mutated = mutate_code(source, operator, occurrence)
        if mutated is not None and _differs(source, mutated):
            yield _mutant(source, mutated, line, operator)


def _operators():
    names = cosmic_ray.plugins.operator_names()
    classes = [cosmic_ray.plugins.get_operator(name) for name in names]
    classes += [SwapFunction, ForgetWeights, ForgetSeed]
    return [each() for each in classes if not each.arguments()]


def _differs(source, mutated):
    """Whether a mutation can be compiled to another program."""
    try:
        return ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


def _mutant(source, mutated, line, operator):
    old, new = source.splitlines(), mutated.splitlines()
    changed = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), line - 1)
    name = type(operator).__name__
    return Mutant(changed + 1, old[changed].strip(), new[changed].strip(), name, mutated)


def _left_alone(source):
    """Spans of annotations, f-strings and raised errors, as ((line, column), (line, column))."""
    nodes = []
    for node in ast.walk(ast.parse(source)):
        nodes += [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.JoinedStr):
            nodes.append(node)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            nodes += node.exc.args
    # Columns of `ast` are in bytes, which differ from characters only behind non-ASCII text.
    return [
        ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset))
        for node in nodes
        if node is not None
    ]
