"""Names that moved between the Airflow releases we run on, 3.0 to 3.3, and one that is Airflow's own affair."""

from __future__ import annotations

from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR

try:
    from airflow.sdk import CronTriggerTimetable
except ImportError:
    from airflow.timetables.trigger import CronTriggerTimetable

try:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
except ImportError:
    from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException

__all__ = [
    "TRIGGER_FAIL_REPR",
    "AirflowException",
    "AirflowFailException",
    "AirflowSkipException",
    "CronTriggerTimetable",
]
