// Tells how long the event loop was blocked: for --debug.

import { monitorEventLoopDelay } from "node:perf_hooks";

const thresholdMs = 50;

/** Reports the longest delay of each second in which one was over 50 ms. */
export function watchEventLoop(report: (milliseconds: number) => void): Disposable {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  const timer = setInterval(() => {
    const longest = histogram.max / 1e6;
    if (longest > thresholdMs) report(Math.round(longest));
    histogram.reset();
  }, 1000);
  timer.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      histogram.disable();
    },
  };
}
