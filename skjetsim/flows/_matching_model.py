"""What both estimators of flow matching share: network, solver, student."""

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
LESSON_ROWS = (8192, 65536)  # of the solver's answers: as many as there are events, within this
STUDENT_BATCH = 512
JUDGED_ROWS = 8192


@with_parameters
class FlowMatchingModel(NetworkEstimator):
    """Estimator whose network is a velocity along which noise becomes events.

    Parameters
    ----------
    hidden_features : sequence of int
        Widths of the layers of the velocity's network; a layer as wide as the one before adds to
        it.
    solver : {"midpoint", "heun", "rk4"}
        How the path is followed, with two, two or four calls of the network a step.
    n_steps : int
        Steps of the solver. Both may be changed by `set_params` without a new fit.
    n_distill_steps : {None, 1, 2}
        Train a second network after the first, that takes the path in so many jumps [4]_, and draw
        events with it; `distillation_loss_` says what it loses. `transform`,
        `inverse_transform` and `score_samples` remain the solver's. Set to None, events are drawn
        by the solver again.
    integer_columns : sequence of str or int
        Columns of counts, by name or position: spread over [n, n + 1) in the fit, and rounded down
        when drawn, to no less than the fit has seen; `score_samples` has their probability, zero
        below.
    max_epochs : int
        The student, too, learns for so many.
    ema_decay : float or None
        Keep a running average of the weights with this decay per step: the loss is noisy, since
        each event is seen at one time of one path. It goes on over calls of `partial_fit`.
    validation_fraction : float
        Share of the events held back, at most 1,024, whose likelihood chooses the best epoch: the
        loss stays flat while events still improve. 0 keeps the last epoch.
    checkpoint : str or None
        File written after each epoch, from which a killed `fit` with the same data and
        parameters resumes, to the same result. It needs a `random_state`. A student has
        one more, `checkpoint`.student.
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
    _most_validation_rows = 1024  # whose likelihood, by a solver, is what an epoch is chosen by

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
                "partial_fit trains no student: set n_distill_steps=None, and sample by the solver."
            )
        super()._train_once(plan, root, inputs, weight)
        if self.distillation_loss_ is not None:  # of the network as it was
            self.net_.module_.distilled.fill_(False)
            self.distillation_loss_ = None

    def _drawn_by(self):
        """Drawn events may take the student's way; what is mapped takes the solver's."""
        if self.n_distill_steps is None:
            return "from_base"
        trained = None
        if self.distillation_loss_ is not None:
            trained = self._architecture["n_distill_steps"]
        if self.net_ is not None and self.n_distill_steps != trained:
            raise ValueError(
                f"n_distill_steps={self.n_distill_steps!r}, but the fit has no student of so many "
                f"steps{'' if trained is None else f', only one of {trained}'}. Fit again, or set "
                "n_distill_steps=None to draw by the solver."
            )
        return "draw"

    def _module_call(self, function, *arrays):
        module = self.net_.module_
        # A matter of the call: another solver needs no other fit.
        module.solver, module.n_steps = self._solver()
        return super()._module_call(function, *arrays)

    # The student.

    def _distil(self, plan, root, n_rows, context, weight):
        """Train the student on what the solver makes of fresh noise, and say what it loses."""
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
        """Standard normal points, and contexts of training events where there are some."""
        import torch

        generator = torch_generator(root, *branch)
        z = torch.randn(n_rows, self.encoder_.n_outputs_, generator=generator).numpy()
        if context is None:
            return (z,)
        share = None if weight is None else weight / weight.sum()
        return z, context[numpy_rng(root, *branch).choice(len(context), n_rows, p=share)]

    def _loss_of_student(self, root, context, weight):
        """Distance of the student's events from the solver's, in the mapped columns."""
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
