"""The rules: one line each."""

from __future__ import annotations

from sandbox.wiring.rules import (
    asset_location,
    assets,
    bundle,
    compute,
    connections,
    dag_known,
    dag_unique,
    depends_on,
    job_exists,
    job_parameters,
    module_imports,
    notebook_exists,
    notebook_parses,
    parameter_read,
    pools,
    references,
    table_known,
    table_order,
    task_executed,
    task_values,
    volumes,
    widgets,
)
from sandbox.wiring.rules.base import Rule

RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        bundle.RULE,
        dag_unique.RULE,
        dag_known.RULE,
        job_exists.RULE,
        job_parameters.RULE,
        notebook_exists.RULE,
        notebook_parses.RULE,
        module_imports.RULE,
        widgets.RULE,
        parameter_read.RULE,
        references.RULE,
        depends_on.RULE,
        compute.RULE,
        task_executed.RULE,
        table_order.RULE,
        table_known.RULE,
        task_values.RULE,
        volumes.VOLUME,
        volumes.SECRET,
        assets.RULE,
        asset_location.RULE,
        connections.CONNECTION,
        connections.VARIABLE,
        pools.RULE,
    )
}
"""In the order in which their findings are shown for one place."""
