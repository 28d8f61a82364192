"""FlowMatchingModel: network, solver and student of both estimators of flow matching."""

from dataclasses import replace

import numpy as np

from skjetsim._estimators._network import NetworkEstimator
from skjetsim.metrics import sliced_wasserstein_distance
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._parameters import check_widths
from skjetsim.utils._seeds import numpy_rng, torch_generator
from skjetsim.utils._validation import check_int, check_option
from skjetsim.utils._with_parameters import with_parameters

# Branches of the constructor's random_state in addition to those of flows.
LESSONS, STUDENT, JUDGED = 110, 111, 112
LESSON_ROWS = (8192, 65536)  # as many lessons as there are events, but within this range
STUDENT_BATCH = 512
JUDGED_ROWS = 8192


@with_parameters
class FlowMatchingModel(NetworkEstimator):
    """Estimator whose network is a velocity along which noise becomes events.

    Parameters
    ----------
    hidden_features : sequence of int
        Widths of the layers of the network. A layer that is as wide as the one before it is
        residual: its output is added to its input.
    solver : {"midpoint", "heun", "rk4"}
        Method that follows the path. It calls the network two, two or four times per step.
    n_steps : int
        Number of steps of the solver. `set_params` changes it, and `solver`, without a new fit.
    n_distill_steps : {None, 1, 2}
        If given, train a second network, the student, that covers the path in one or two jumps
        [4]_. Events are then drawn by the student, and `distillation_loss_` is its error.
        `transform`, `inverse_transform` and `score_samples` still use the solver. After setting
        this to None, the solver draws events again.
    integer_columns : sequence of str or int
        Columns of counts, by name or position. Counts of which most occur several times are found
        without being named. In the fit, a count n is spread over [n, n + 1). Drawn values are
        rounded down, but not below the least count of the fit. `score_samples` has the probability
        of a count, which is zero below that.
    max_epochs : int
        Passes over the events. The student has as many epochs.
    ema_decay : float or None
        Keep a running average of the weights with this decay per step. The loss is noisy, because
        each event is seen at one time of one path. Calls of `partial_fit` continue the average.
    validation_fraction : float
        Fraction of the events that is held back, at most 1,024 events. Their likelihood chooses the
        best epoch, because the loss stays flat while events still improve. 0 keeps the last epoch.
    checkpoint : str or None
        File that is written after each epoch. A killed `fit` with the same data and parameters
        resumes from it, to the same result. It needs a `random_state`. The student has a file of
        its own, `checkpoint`.student.
    """

    hidden_features: tuple[int, ...] = (128, 128, 128, 128)
    solver: str = "midpoint"
    n_steps: int = 8
    n_distill_steps: int | None = None
    integer_columns: tuple = ()
    learning_rate: float = 4e-3
    max_epochs: int = 60
    weight_decay: float | str = 0.1
    ema_decay: float | None = 0.99

    distillation_loss_ = None
    _most_validation_rows = 1024  # a solver computes their likelihood, which is slow

    def _circular(self, names):
        return [is_angle(str(name)) for name in names]

    def _settings(self, names, root):
        self._solver()
        widths = check_widths(self.hidden_features, "hidden_features")
        if not widths:
            raise ValueError("hidden_features must name the width of at least one layer, got ().")
        if self.n_distill_steps is not None:
            check_option(self.n_distill_steps, "n_distill_steps", (None, 1, 2))
        return {
            "hidden_features": widths,
            "circular": self.encoder_.circular_.tolist(),
            "n_distill_steps": self.n_distill_steps,
        }

    def _solver(self):
        from skjetsim._nn import SOLVERS

        check_option(self.solver, "solver", tuple(SOLVERS))
        return self.solver, check_int(self.n_steps, "n_steps")

    def _make_network(self, **settings):
        from skjetsim._nn import FlowMatching

        return FlowMatching(self.encoder_.n_outputs_, self._n_given(), **settings)

    def _forget_fit(self):
        super()._forget_fit()
        self.distillation_loss_ = None

    def _train(self, plan, root, inputs, weight):
        super()._train(plan, root, inputs, weight)
        if self.n_distill_steps is not None:
            context = inputs[1] if len(inputs) > 1 else None
            n_rows = int(np.clip(len(inputs[0]), *LESSON_ROWS))
            self._distil(plan, root, n_rows, context, weight)

    def _train_once(self, plan, root, inputs, weight):
        if self.n_distill_steps is not None:
            raise ValueError(
                "partial_fit does not train a student. Set n_distill_steps=None, and draw by the "
                "solver."
            )
        super()._train_once(plan, root, inputs, weight)
        if self.distillation_loss_ is not None:  # the student belongs to the network before
            self.net_.module_.distilled.fill_(False)
            self.distillation_loss_ = None

    def _drawn_by(self):
        """Method of the network that draws: the student's or the solver's."""
        if self.n_distill_steps is None:
            return "from_base"
        trained = None
        if self.distillation_loss_ is not None:
            trained = self._architecture["n_distill_steps"]
        if self.net_ is not None and self.n_distill_steps != trained:
            raise ValueError(
                f"n_distill_steps={self.n_distill_steps!r}, but the fit has no student with that "
                f"many steps{'' if trained is None else f', only one with {trained}'}. Fit again, "
                "or set n_distill_steps=None to draw by the solver."
            )
        return "draw"

    def _module_call(self, function, *arrays):
        module = self.net_.module_
        # The solver is set at each call: it may be changed without a new fit.
        module.solver, module.n_steps = self._solver()
        return super()._module_call(function, *arrays)

    # The student.

    def _distil(self, plan, root, n_rows, context, weight):
        """Train the student on events of the solver from new noise, and measure its error."""
        from skjetsim._nn import TrainingNet

        module = self.net_.module_
        module.student.network.load_state_dict(module.velocity.state_dict())
        z, *contexts = self._noise(n_rows, root, (LESSONS,), context, weight)
        lesson = self._module_call("lesson", z, *contexts)
        n_columns = z.shape[1]
        inputs = (lesson[:, :n_columns], lesson[:, n_columns:], *contexts)
        plan = replace(
            plan,
            batch_size=STUDENT_BATCH,
            weight_decay=0.0,  # the solver's answers have no noise to memorise
            ema_decay=None,
            checkpoint=None if plan.checkpoint is None else f"{plan.checkpoint}.student",
        )
        net = TrainingNet(
            module.student,
            plan=plan,
            generator=torch_generator(root, STUDENT),
            device=self.net_.device,
        )
        training, validation = self._split(inputs, None, root, net.device)
        net.fit(training, validation)
        module.distilled.fill_(True)
        self.distillation_loss_ = self._loss_of_student(root, context, weight)

    def _noise(self, n_rows, root, branch, context, weight):
        """Standard normal points, and contexts of training events if there are any."""
        import torch

        generator = torch_generator(root, *branch)
        z = torch.randn(n_rows, self.encoder_.n_outputs_, generator=generator).numpy()
        if context is None:
            return (z,)
        share = None if weight is None else weight / weight.sum()
        return z, context[numpy_rng(root, *branch).choice(len(context), n_rows, p=share)]

    def _loss_of_student(self, root, context, weight):
        """Distances between events of the student and of the solver, in the scaled columns."""
        z, *contexts = self._noise(JUDGED_ROWS, root, (JUDGED, 0), context, weight)
        fresh, *_ = self._noise(JUDGED_ROWS, root, (JUDGED, 1), context, weight)
        solved = self._module_call("from_base", z, *contexts)
        jumped = self._module_call("draw", z, *contexts)
        again = self._module_call("from_base", fresh, *contexts)
        angle = np.array(self._architecture["circular"])
        away = jumped - solved
        away[:, angle] = wrap_phi(away[:, angle])

        def distance(table):
            sides = [
                np.column_stack([side[:, ~angle], np.cos(side[:, angle]), np.sin(side[:, angle])])
                for side in (again, table)
            ]
            sides = [np.column_stack([side, *contexts]) for side in sides]
            return sliced_wasserstein_distance(*sides, random_state=numpy_rng(root, JUDGED, 2))

        return {
            "rms_distance": float(np.sqrt(np.mean(away**2))),
            "sliced_wasserstein": distance(jumped),
            "sliced_wasserstein_floor": distance(solved),
        }
