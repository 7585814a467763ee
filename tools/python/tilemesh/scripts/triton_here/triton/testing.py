# SPDX-License-Identifier: Apache-2.0
"""triton.testing: simulated milliseconds, and the reports that are made of them."""

import functools
import os

from tilemesh import session


class Milliseconds(float):
    """Older scripts take three: the median and two quantiles, which are all the same here."""

    def __iter__(self):
        return iter((self, self, self))


def do_bench(fn, warmup=25, rep=100, grad_to_none=None, fast_flush=True, quantiles=None, return_mode="mean", **_):
    """Milliseconds of the launches in fn, which is called once (twice where its values matter): simulated time does not vary. What
    fn does beside launching, torch above all, takes none; nan if it launches nothing."""
    del warmup, rep, fast_flush

    def run():
        for tensor in grad_to_none or ():
            tensor.grad = None
        fn()

    current = session.current()
    ms = Milliseconds(current.timed(run))
    current.say_once("do_bench gives simulated time of kernels; torch's own calls take none, alone they are nan")
    if quantiles is None:
        return [ms] if return_mode == "all" else ms
    return ms if len(quantiles) == 1 else [ms] * len(quantiles)


do_bench_cudagraph = do_bench


def assert_close(x, y, atol=None, rtol=None, err_msg=""):
    import numpy

    x, y = _numbers(x), _numbers(y)
    atol, rtol = 1e-2 if atol is None else _plain(atol, x), 0.0 if rtol is None else _plain(rtol, x)
    if x.size > 1 or y.size > 1:
        numpy.testing.assert_allclose(x, y, atol=atol, rtol=rtol, equal_nan=True, err_msg=err_msg)
    elif not numpy.allclose(x, y, atol=atol, rtol=rtol):
        raise AssertionError(f"{err_msg} {x} is not close to {y} (atol={atol}, rtol={rtol})")


def assert_almost_equal(x, y, decimal=2, err_msg=""):
    """Of older versions: equal to so many decimals."""
    import numpy

    numpy.testing.assert_array_almost_equal(_numbers(x), _numbers(y), err_msg=err_msg, decimal=decimal)


def _plain(tolerance, x):
    return tolerance(x.dtype) if callable(tolerance) else tolerance


def _numbers(x):
    import numpy

    if hasattr(x, "detach"):
        x = x.detach().cpu()
        return (x.float() if "float" in str(x.dtype) else x).numpy()
    return numpy.asarray(x)


class Benchmark:
    def __init__(self, x_names, x_vals, line_arg, line_vals, line_names, plot_name, args, xlabel="", ylabel="", x_log=False, y_log=False,
                 styles=None, color=None):  # fmt: skip
        self.x_names, self.x_vals, self.line_arg, self.line_vals, self.line_names = x_names, x_vals, line_arg, line_vals, line_names
        self.plot_name, self.args, self.xlabel, self.ylabel = plot_name, args, xlabel, ylabel
        self.x_log, self.y_log, self.styles, self.color = x_log, y_log, styles, color


class Mark:
    def __init__(self, fn, benchmarks):
        self.fn, self.benchmarks = fn, benchmarks

    def run(self, show_plots=False, print_data=False, save_path="", return_df=False, **kwargs):
        """Prints a table for each benchmark, or returns their rows (pandas' DataFrame where it is installed). Draws nothing."""
        del show_plots
        is_one = isinstance(self.benchmarks, Benchmark)
        tables = [self._run(bench, print_data, save_path, kwargs) for bench in ([self.benchmarks] if is_one else self.benchmarks)]
        if not return_df:
            return None
        return tables[0] if is_one else tables

    def _run(self, bench, print_data, save_path, kwargs):
        head = [*bench.x_names, *(f"{name} ({bench.ylabel})" if bench.ylabel else name for name in bench.line_names)]
        rows = []
        for x in bench.x_vals:
            x = list(x) if isinstance(x, (list, tuple)) else [x] * len(bench.x_names)
            if len(x) != len(bench.x_names):
                raise ValueError(f"expected {len(bench.x_names)} values of x, found {x}")
            row = list(x)
            for line in bench.line_vals:
                value = self.fn(**dict(zip(bench.x_names, x)), **{bench.line_arg: line}, **bench.args, **kwargs)
                row.append(value[0] if isinstance(value, (tuple, list)) else value)
            rows.append(row)
        if print_data:
            print(f"{bench.plot_name}:")
            print(_text(head, rows))
        if save_path:
            os.makedirs(save_path, exist_ok=True)
            with open(os.path.join(save_path, f"{bench.plot_name}.csv"), "w") as file:
                file.writelines(",".join(map(str, row)) + "\n" for row in [head, *rows])
        return _frame(head, rows)


def _text(head, rows):
    cells = [["", *head]] + [[str(i), *(f"{cell:.6f}" if isinstance(cell, float) else str(cell) for cell in row)] for i, row in enumerate(rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head) + 1)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in cells)


def _frame(head, rows):
    try:
        import pandas
    except ImportError:
        return [dict(zip(head, row)) for row in rows]
    return pandas.DataFrame(rows, columns=head)


def perf_report(benchmarks):
    return lambda fn: functools.update_wrapper(Mark(fn, benchmarks), fn, updated=())


def get_dram_gbps(device=None):
    del device
    return session.current().device.hbm_gbytes_per_s


def get_max_tensorcore_tflops(dtype=None, clock_rate=None, device=None):
    del dtype, clock_rate, device
    return session.current().device.matrix_tflops


get_max_simd_tflops = get_max_tensorcore_tflops


def allclose(x, y, tol=1e-2):
    import numpy

    return bool(numpy.allclose(_numbers(x), _numbers(y), atol=tol, rtol=0))


def cuda_memcheck(**_):
    return lambda fn: fn


