"""WithOutliers: a network for most events, next to a density of the mismeasured ones."""

from skjetsim._estimators._network import NetworkEstimator


class WithOutliers(NetworkEstimator):
    """Estimator whose events are a mixture of those of its network and of mismeasured ones.

    `outliers_` is None if no event of the fit was mismeasured. The network then describes all.
    """

    outliers_ = None

    def _smooth_features(self):
        """Features of the condition, if there is one."""
        return None

    def _forget_fit(self):
        super()._forget_fit()
        vars(self).pop("outliers_", None)

    def _learn_outliers(self, outliers, table, X, weight, far, rng=None):
        """Keep the mismeasured events, if there are any, once the encoder is fitted."""
        if not far.any():
            return
        # They count, too: a drawn or scored event may be one of them.
        self.encoder_.extend(table)
        self.encoder_.extend_reach(table)
        inputs = self.encoder_.encode(table, rng)
        self.outliers_ = outliers.fit(inputs, X, weight, far, self.encoder_)

    def _draw_chunk(self, chunk):
        if self.outliers_ is None:
            return super()._draw_chunk(chunk)
        noise, given = chunk.normal(self._n_noise()), self._given(chunk.inputs)
        inputs = self._module_call(self._drawn_by(), noise, *given)
        return self._decode(self.outliers_.mix(inputs, chunk, self.encoder_), chunk.inputs)

    def _mixed_log_density(self, table, X, *given):
        """Log-density of each row in its own units, given the condition and its network inputs."""
        outliers = self.outliers_
        if outliers is None:
            return self._table_log_density(table, *given)
        self.encoder_.check(table)
        basis = outliers.basis(X)

        def log_prob(inputs, rows):
            core = self._module_call("log_prob", inputs, *(array[rows] for array in given))
            return outliers.log_mix(core, inputs, basis[rows], self.encoder_)

        return self.encoder_.log_density(table, log_prob)
