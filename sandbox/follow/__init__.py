"""Triggers a DAG and follows what it sets in motion: dag_run -> asset events -> dag_run -> job_run -> tables."""

from __future__ import annotations

from sandbox.follow.chain import Chain, ChainState
from sandbox.follow.start import prepare, trigger

__all__ = ["Chain", "ChainState", "prepare", "trigger"]
