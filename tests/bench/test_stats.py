"""Which samples count, and what is said of them."""

from __future__ import annotations

from bench.stats import Sample, fast_mean, summarise, undisturbed


def test_samples_beside_a_slow_spin_are_left_out() -> None:
    samples = [Sample(10, 1.0), Sample(30, 1.3), Sample(12, 1.2), Sample(11, 1.1)]
    s = summarise(samples)
    assert (s.median_ms, s.min_ms, s.p95_ms, s.samples, s.share) == (11, 10, 12, 3, 0.75)


def test_a_fifth_counts_on_a_machine_that_is_never_quiet() -> None:
    assert undisturbed([1.0, *[9.0 - i / 10 for i in range(9)]]) == [0, 9]


def test_the_95th_percentile_is_a_sample_above_which_few_lie() -> None:
    assert summarise([Sample(i, 1) for i in range(1, 101)]).p95_ms == 95
    assert summarise([Sample(7, 1)]).p95_ms == 7


def test_the_fast_mean_takes_the_fastest_quarter() -> None:
    assert fast_mean([1, 2, 9, 9, 9, 9, 9, 9]) == 1.5
    assert fast_mean([4]) == 4
