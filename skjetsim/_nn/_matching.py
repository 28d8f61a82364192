"""Flow matching: a velocity that carries noise to events, learnt without solving for paths."""

import math

import torch

from skjetsim._nn._bijections import wrap_angle
from skjetsim._nn._conditioner import normal_log_prob
from skjetsim._nn._flow import CircularBase, likelihood_weight_decay
from skjetsim._nn._layers import ContextStep
from skjetsim._nn._ode import integrate, integrate_with_log_det
from skjetsim._nn._student import Student
from skjetsim._nn._transport import transport_order
from skjetsim._nn._velocity import VelocityNetwork
from skjetsim._nn.training._network import Network, weighted_mean

DUAL_NUMBERS = 65536  # rows times derivatives at once, which bounds the memory of a density
LEAST_DRAWS = 512  # of noise and time per training step: fewer would dominate its error
VALIDATION_SOLVER = ("midpoint", 4)  # for the likelihood that chooses the epoch


class FlowMatching(Network):
    """Density of `target` given `context`, by a learnt velocity of noise (arXiv:2210.02747).

    A straight line joins noise z to an event x, and the network learns the mean velocity of all
    lines through a point. If z and x are independent, the point on the line is divided by its own
    width, sqrt((1 - t)^2 + t^2), and the time is the angle arctan(t / (1 - t)). This is the same
    flow, but columns that are already normal stand still. The location and width of each column
    given the context are learnt first, by likelihood, and taken out: the velocity to a narrow
    response is steep and slow to learn. Angles start from uniform noise and take the shorter way
    around the circle. Rows come and go as (n_rows, n_columns). Inside, tables are column-major.

    Parameters
    ----------
    n_target, n_context : int
    hidden_features : sequence of int
    circular : sequence of bool, optional
        Which columns are angles.
    optimal_transport : bool
        Pair noise and events of a batch at the shortest distances, in blocks. It needs a flow
        without a context, since noise would depend on the context.
    n_distill_steps : int, optional
        Number of jumps in which a student network takes the whole path.
    """

    def __init__(
        self,
        n_target,
        n_context,
        *,
        hidden_features,
        circular=None,
        optimal_transport=False,
        n_distill_steps=None,
    ):
        super().__init__()
        circular = [False] * n_target if circular is None else list(circular)
        self.n_target, self.n_context = n_target, n_context
        self.optimal_transport = optimal_transport
        self.solver, self.n_steps = "midpoint", 8
        angle = torch.tensor(circular)[:, None]
        self.register_buffer("angle", angle, persistent=False)
        unit = 1.0 if optimal_transport else math.pi / 2
        # A typical velocity: the network learns the velocity in this unit, which is of order one.
        speed = torch.where(angle, math.pi / math.sqrt(3), unit)
        self.register_buffer("speed", speed, persistent=False)
        self.base = CircularBase(angle[:, 0]) if any(circular) else None
        self.scale = ContextStep(circular, n_context, hidden_features[:2]) if n_context else None
        self.velocity = VelocityNetwork(circular, n_context, hidden_features)
        self.student = None
        if n_distill_steps is not None:
            self.student = Student(
                circular, n_context, hidden_features, speed=speed, n_jumps=n_distill_steps
            )
            self.register_buffer("distilled", torch.tensor(False))

    # Training.

    def groups(self):
        """All parameters except those of the student, which learns afterwards."""
        # Only the scale decays: it is learnt by likelihood, which memorises. The velocity is learnt
        # from new noise in each step.
        decay = likelihood_weight_decay(self.n_target + self.n_context)
        of_scale = [] if self.scale is None else list(self.scale.parameters())
        of_velocity = list(self.velocity.parameters())
        return {"loss": [{"params": of_scale, "weight_decay": decay}, {"params": of_velocity}]}

    def losses(self, step, batch, generator):
        """Squared error of the velocity at fresh noise and times; a small batch is repeated."""
        draws = math.ceil(LEAST_DRAWS / len(batch))
        tables = [table.repeat(draws, 1) if draws > 1 else table for table in batch.inputs]
        target, context = tables if self.n_context else (tables[0], None)
        noise = self.draw_noise(len(target), generator, target.device)
        return {"loss": self._loss(target, context, *noise)}

    def monitor(self, data, generator):
        """Minus the log-density, since the loss stays flat while the events still improve."""
        return weighted_mean(
            data, lambda batch: {"loss": -self._log_prob(*batch.inputs, solver=VALIDATION_SOLVER)}
        )

    def draw_noise(self, n_rows, generator, device):
        """Column-major base points, and times: one in each of `n_rows` equal parts of [0, 1]."""
        z = torch.randn(n_rows, self.n_target, generator=generator).to(device).T.contiguous()
        if self.base is not None:
            z = self.base.inverse(z, None)
        time = torch.arange(n_rows) + torch.rand(n_rows, generator=generator)
        return z, (time / n_rows).to(device)

    def _loss(self, target, context, z, time):
        x, context, loss_of_scale = target.T.contiguous(), self._columns(context), 0.0
        if self.scale is not None:
            x, ladj = self.scale(x, context)
            spread = torch.where(self.angle, -torch.cos(x), 0.5 * x * x)
            loss_of_scale = spread.mean(0) - ladj / self.n_target
            x = x.detach()  # or the scale would shrink x to lower the loss
        if self.optimal_transport:
            z = z[:, transport_order(z, x, self.angle[:, 0])]
        point, velocity = self._path(z, x, time)
        found = self.velocity(point, time, self.velocity.offsets(context))
        return (found - velocity / self.speed).square().mean(0) + loss_of_scale

    def _path(self, z, x, time):
        """Point at `time` on the way from noise to event, and the velocity there."""
        if self.optimal_transport:
            point, velocity = torch.lerp(z, x, time), x - z
        else:
            sine, cosine = torch.sin(math.pi / 2 * time), torch.cos(math.pi / 2 * time)
            point = cosine * z + sine * x
            velocity = math.pi / 2 * (cosine * x - sine * z)
        if self.base is None:
            return point, velocity
        way = wrap_angle(x - z)
        point = torch.where(self.angle, z + time * way, point)
        return point, torch.where(self.angle, way, velocity)

    # Between base and events.

    def _columns(self, context):
        """Column-major context, or None without one."""
        return context.T.contiguous() if self.n_context else None

    def _from_normal(self, z):
        z = z.T.contiguous()
        return z if self.base is None else self.base.inverse(z, None)

    def _to_normal(self, z):
        if self.base is None:
            return z, 0.0
        return self.base(torch.where(self.angle, wrap_angle(z), z), None)

    def _along(self, x, context, start, stop, n_steps):
        """Carry points along the velocity with the solver."""
        offsets = self.velocity.offsets(context)

        def slope(time, x):
            return self.speed * self.velocity(x, x.new_full((1,), time), offsets)

        return integrate(slope, x, start, stop, solver=self.solver, n_steps=n_steps)

    def _scaled(self, target, context):
        """Column-major target in units of its width given the context, and the log-slope."""
        x = target.T.contiguous()
        return (x, 0.0) if self.scale is None else self.scale(x, context)

    def _as_target(self, x, context):
        if self.scale is not None:
            x = self.scale.inverse(x, context)
        return x.T if self.base is None else torch.where(self.angle, wrap_angle(x), x).T

    def from_base(self, z, context=None):
        """Carry standard normal points to events."""
        context = self._columns(context)
        x = self._along(self._from_normal(z), context, 0.0, 1.0, self.n_steps)
        return self._as_target(x, context)

    def to_latent(self, target, context=None):
        """Carry events back to standard normal points."""
        context = self._columns(context)
        x, _ = self._scaled(target, context)
        return self._to_normal(self._along(x, context, 1.0, 0.0, self.n_steps))[0].T

    def log_prob(self, target, context=None):
        """Log-density of each row of `target`. It is that of the map `to_latent`, to rounding."""
        rows = max(1, DUAL_NUMBERS // (1 + self.n_target))
        parts = [table.split(rows) for table in (target, context) if table is not None]
        logs = [
            self._log_prob(*part, solver=(self.solver, self.n_steps))
            for part in zip(*parts, strict=True)
        ]
        return torch.cat(logs)

    def _log_prob(self, target, context=None, *, solver):
        context = self._columns(context)
        x, log_slope = self._scaled(target, context)
        offsets = self.velocity.offsets(context)

        def slope(time, dual):
            time = dual.new_full((1,), time)
            return self.speed[:, None] * self.velocity.with_derivatives(dual, time, offsets)

        name, n_steps = solver
        z, log_det = integrate_with_log_det(slope, x, 1.0, 0.0, solver=name, n_steps=n_steps)
        z, ladj = self._to_normal(z)
        return log_slope + log_det + ladj + normal_log_prob(z)

    # The student.

    def draw(self, z, context=None):
        """Carry standard normal points to events, in the student's jumps if it has learnt them."""
        if self.student is None or not self.distilled:
            return self.from_base(z, context)
        context = self._columns(context)
        return self._as_target(self.student.points(self._from_normal(z), context)[-1], context)

    def lesson(self, z, context=None):
        """Lesson of the student: the start and the solver's point after each jump, in columns."""
        context, points = self._columns(context), [self._from_normal(z)]
        n_jumps = self.student.n_jumps
        n_steps = math.ceil(self.n_steps / n_jumps)
        for index in range(n_jumps):
            start, stop = index / n_jumps, (index + 1) / n_jumps
            points.append(self._along(points[-1], context, start, stop, n_steps))
        return torch.cat(points).T
