// Tells how long the event loop was blocked: for --debug.

import { monitorEventLoopDelay } from "node:perf_hooks";

const thresholdMs = 50;

export interface LoopWatch extends Disposable {
  /** Watching wakes the process a hundred times in a second: it is for those who want to know. */
  enable(wanted: boolean): void;
}

/** Reports the longest delay of each second in which one was over 50 ms. */
export function watchEventLoop(report: (milliseconds: number) => void): LoopWatch {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    histogram.disable();
  };
  const look = (): void => {
    const longest = histogram.max / 1e6;
    if (longest > thresholdMs) report(Math.round(longest));
    histogram.reset();
  };
  return {
    enable: (wanted) => {
      stop();
      if (!wanted) return;
      histogram.enable();
      timer = setInterval(look, 1000).unref();
    },
    [Symbol.dispose]: stop,
  };
}
