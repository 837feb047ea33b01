"""Airflow from one import: the launcher that forks its components, and the validator that forks per question.

An island: run by Airflow's own interpreter, standard library and airflow only.
"""
