"""Locked virtual environments, one per thing that cannot live with the others: build, cache, verify.

Airflow, LocalStack and the Spark engines need versions of the same packages that exclude each other, so each has a venv
of its own, made from a committed lock. `build.ensure` is the way in; `registry.RUNTIMES` says what there is.
"""
