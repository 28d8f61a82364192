import subprocess
import sys


def test_importing_metrics_does_not_load_torch_or_matplotlib():
    code = (
        "import sys, skjetsim.metrics; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'matplotlib', 'ot')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_public_names():
    import skjetsim.metrics

    assert skjetsim.metrics.__all__ == sorted(skjetsim.metrics.__all__)
    for name in skjetsim.metrics.__all__:
        assert getattr(skjetsim.metrics, name).__doc__
