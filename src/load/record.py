"""Tells on standard output what the workers of a distributed load report, a line of JSON each."""

import json
import time

from locust import events
from locust.runners import MasterRunner


def tell(**what):
    print("tfserve-load " + json.dumps(what, separators=(",", ":")), flush=True)


@events.init.add_listener
def begin(environment, **_):
    if not isinstance(environment.runner, MasterRunner):
        return
    start = None

    def cpu_of(worker):
        known = environment.runner.clients.get(worker)
        return known.cpu_usage if known else None

    def started(**_):
        nonlocal start
        if start is None:
            start = time.monotonic()
            tell(started=environment.runner.worker_count)

    def reported(client_id, data):
        total = data["stats_total"]
        if start is None or not total["num_requests"]:
            return
        tell(
            second=round(time.monotonic() - start, 3),
            requests=total["num_requests"],
            failed=total["num_failures"],
            bytes=total["total_content_length"],
            times=total["response_times"],
            cpu=cpu_of(client_id),
            errors=[[error["error"], error["occurrences"]] for error in data["errors"].values()],
        )

    environment.events.test_start.add_listener(started)
    environment.events.worker_report.add_listener(reported)
