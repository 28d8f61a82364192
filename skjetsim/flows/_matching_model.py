"""What both estimators of flow matching share: network, solver, student."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skjetsim.metrics import sliced_wasserstein_distance
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._parameters import check_widths
from skjetsim.utils._seeds import numpy_rng, torch_generator
from skjetsim.utils._validation import check_int, check_option

# Branches of the constructor's random_state in addition to those of flows.
LESSONS, STUDENT, JUDGED = 110, 111, 112
LESSON_ROWS = (8192, 65536)  # of the solver's answers: as many as there are events, within this
STUDENT_BATCH = 512
JUDGED_ROWS = 8192


class FlowMatchingModel:
    """Mixin of flows whose network is a velocity along which noise becomes events."""

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

        condition = getattr(self, "condition_encoder_", None)
        n_context = 0 if condition is None else condition.n_outputs_
        return FlowMatching(self.encoder_.n_outputs_, n_context, **settings)

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
