"""What the original says on /monitoring/prometheus/metrics when a monitoring file turns it on."""

import threading
import time

# Microseconds: the original's exponential buckets, `Buckets::Exponential(10, 1.8, 33)`.
BOUNDS = [10 * 1.8**power for power in range(33)]


class Monitoring:
    def __init__(self, model):
        self.model = model
        self.lock = threading.Lock()
        self.counts = {"OK": 0}
        self.latencies = {}

    def request(self, method, seconds, code):
        """Counts one request; `method` is empty where nothing was inferred."""
        microseconds = seconds * 1e6
        with self.lock:
            self.counts[code] = self.counts.get(code, 0) + 1
            if code != "OK":
                return
            buckets, total = self.latencies.setdefault(method, ([0] * (len(BOUNDS) + 1), [0.0]))
            buckets[sum(bound <= microseconds for bound in BOUNDS)] += 1
            total[0] += microseconds

    def text(self):
        lines = ["# TYPE :tensorflow:serving:request_count counter"]
        with self.lock:
            for code, count in self.counts.items():
                lines.append(
                    f':tensorflow:serving:request_count{{model_name="{self.model}",status="{code}"}} {count}'
                )
            lines.append("# TYPE :tensorflow:serving:request_latency histogram")
            for method, (buckets, total) in self.latencies.items():
                labels = f'model_name="{self.model}",API="{method}",entrypoint="REST"'
                name, below = ":tensorflow:serving:request_latency", 0
                for bound, count in zip([*BOUNDS, "+Inf"], buckets):
                    below += count
                    lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {below}')
                lines += [f"{name}_sum{{{labels}}} {total[0]}", f"{name}_count{{{labels}}} {below}"]
        return "\n".join(lines) + "\n"


def enabled(file):
    """Whether the text of a monitoring file turns it on."""
    if not file:
        return False
    with open(file, encoding="utf-8") as opened:
        return "enable: true" in opened.read()


class Watch:
    """Times one request."""

    def __init__(self, monitoring, method):
        self.monitoring, self.method = monitoring, method

    def __enter__(self):
        self.start = time.monotonic()
        self.code = "OK"
        return self

    def __exit__(self, *_):
        self.monitoring.request(self.method, time.monotonic() - self.start, self.code)
