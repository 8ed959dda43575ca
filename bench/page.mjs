#!/usr/bin/env node
/**
 * Measures how the page scrolls through a long conversation, in real Chromium against its own
 * harness.
 *
 *     bench/page.mjs [MESSAGES]        10,000 messages by default, each with two reactions
 *
 * The conversation is opened and read upwards to its beginning while older messages are loaded.
 * With everything loaded, it is scrolled down and up again, and then jumps between distant places.
 * Each frame moves the page by a third of its height, which is faster than a person scrolls. For
 * each part it prints the number of frames, the time between them, the tasks over 50 ms that the
 * browser counts, and the highest number of rows in the document. Run `npm --prefix e2e ci` and
 * `cargo build --package harness` first.
 */
import { execFileSync } from "node:child_process";
import { cpus, loadavg } from "node:os";

import { Person } from "../e2e/lib/people.js";
import { Stack } from "../e2e/lib/stack.js";
import { fillWithReactions } from "../e2e/lib/table.js";
import { launch, Window } from "../e2e/lib/window.js";

const MESSAGES = Number(process.argv[2] ?? 10_000);
const TITLE = "A long conversation";
/** Messages between a message and the second reaction to it, so that later pages have that one. */
const LATER = 1_000;

const stack = new Stack();
await stack.start();
const browser = await launch();
try {
  const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
  const conversation = await ada.start([bob], TITLE);
  const people = { sender: ada, other: bob };
  await fillWithReactions(stack, conversation, people, { count: MESSAGES, later: LATER });
  const window = await (
    await Window.open(browser, stack, ada, { viewport: { width: 1200, height: 800 } })
  ).logIn();
  await window.page.evaluate(instruments);
  // Processor time, which other programs on the machine do not affect.
  const metrics = await window.context.newCDPSession(window.page);
  await metrics.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () => {
    const all = new Map(
      (await metrics.send("Performance.getMetrics")).metrics.map(({ name, value }) => [
        name,
        value * 1_000,
      ]),
    );
    return ["TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration"].map((name) =>
      all.get(name),
    );
  };
  const rows = [];
  const part = async (name, act) => {
    await browser.startTracing(window.page, { categories: ["toplevel"] });
    const before = await busy();
    const result = await act();
    const work = (await busy()).map((value, index) =>
      ((value - before[index]) / result.frames).toFixed(1),
    );
    rows.push([
      name,
      { ...result, work: work.join(", "), busyTasks: tasksOf(await browser.stopTracing()) },
    ]);
  };

  await part("open", async () => {
    await window.page.evaluate(() => globalThis.confabBench.begin());
    await window.openListed(TITLE);
    await window.message(`Message ${MESSAGES} of a long conversation.`, "sent").waitFor();
    return window.page.evaluate(() => globalThis.confabBench.end());
  });
  await part("up, loading", () => window.page.evaluate(() => globalThis.confabBench.scroll(-1)));
  await part("down", () => window.page.evaluate(() => globalThis.confabBench.scroll(1)));
  await part("up", () => window.page.evaluate(() => globalThis.confabBench.scroll(-1)));
  await part("300 jumps", () => window.page.evaluate(() => globalThis.confabBench.jump(300)));
  await part("50 messages arrive", () => {
    const said = (async () => {
      for (let n = 0; n < 50; n += 1)
        await ada.post(`/conversations/${conversation}/messages`, {
          id: `new-${n}`,
          body: `One more, ${n}.`,
        });
    })();
    return window.page
      .evaluate(() => globalThis.confabBench.arrive(50))
      .then(async (result) => {
        await said;
        return result;
      });
  });
  const heap = await window.page.evaluate(() => performance.memory.usedJSHeapSize);
  await window.close();

  const version = execFileSync(process.env.CHROMIUM ?? "/usr/bin/chromium", ["--version"], {
    encoding: "utf8",
  }).trim();
  const [cpu] = cpus();
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${version}, ${cpus().length} cores (${cpu.model}), load average ${loadavg()[0].toFixed(1)}; ` +
      `${MESSAGES} messages, ${Math.round(heap / 1e6)} MB of JavaScript heap at the end\n`,
  );
  console.log(
    "| part | s | frames | between two, ms: median | 95 % | 99 % | most | over 50 ms | tasks over 50 ms by the clock | … by the processor | processor per frame, ms: all, script, layout, style | rows at most |",
  );
  console.log(`|${" --- |".repeat(12)}`);
  for (const [
    name,
    { seconds, frames, median, most95, most99, most, slow, tasks, busyTasks, work, rows: mostRows },
  ] of rows)
    console.log(
      `| ${name} | ${seconds} | ${frames} | ${median} | ${most95} | ${most99} | ${most} | ${slow} | ${tasks} | ${busyTasks} | ${work} | ${mostRows} |`,
    );
} finally {
  await browser.close();
  await stack.stop();
}

/** Returns the tasks of the page's thread that used the processor for more than 50 ms. */
function tasksOf(trace) {
  const { traceEvents } = JSON.parse(trace.toString());
  const thread = ({ pid, tid }) => `${pid}/${tid}`;
  const pages = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
      .map(thread),
  );
  const took = traceEvents
    .filter((event) => /RunTask$/.test(event.name) && pages.has(thread(event)))
    .map(({ tdur }) => (tdur ?? 0) / 1_000);
  if (took.length === 0) throw new Error("the trace has no tasks of the page");
  return summary(
    took.filter((milliseconds) => milliseconds > 50),
    Math.max(...took),
  );
}

function summary(long, most) {
  return `${long.length === 0 ? "none" : long.length}, ${most.toFixed(0)} ms at most`;
}

/** Installs the measurements; runs in the page. */
function instruments() {
  const scroller = () => document.querySelector(".scroller");
  const shown = () => document.querySelectorAll('[data-testid="message"]');
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  let deltas = [];
  let tasks = [];
  let rows = 0;
  let running = false;
  let ticking = 0;
  new PerformanceObserver(
    (list) => running && tasks.push(...list.getEntries().map(({ duration }) => duration)),
  ).observe({ type: "longtask" });

  globalThis.confabBench = {
    begin() {
      [deltas, tasks, rows, running] = [[], [], 0, true];
      let last = performance.now();
      const tick = (now) => {
        deltas.push(now - last);
        last = now;
        rows = Math.max(rows, shown().length);
        ticking = requestAnimationFrame(tick);
      };
      ticking = requestAnimationFrame(tick);
    },
    end() {
      running = false;
      cancelAnimationFrame(ticking);
      const sorted = deltas.slice(1).sort((one, other) => one - other);
      const at = (share) =>
        (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(0);
      return {
        seconds: (deltas.reduce((sum, delta) => sum + delta, 0) / 1_000).toFixed(1),
        frames: sorted.length,
        median: at(0.5),
        most95: at(0.95),
        most99: at(0.99),
        most: at(1),
        slow: sorted.filter((delta) => delta > 50).length,
        tasks:
          tasks.length === 0
            ? "none"
            : `${tasks.length}, ${Math.max(...tasks).toFixed(0)} ms at most`,
        rows,
      };
    },
    /** Scrolls to the beginning (-1), which may still have to be loaded, or to the end (1). */
    async scroll(direction) {
      this.begin();
      const isThere = () => {
        const { scrollTop, scrollHeight, clientHeight } = scroller();
        return direction < 0
          ? scrollTop <= 0 && shown()[0]?.dataset.seq === "1"
          : scrollTop + clientHeight >= scrollHeight - 1;
      };
      while (!isThere()) {
        scroller().scrollTop += (direction * scroller().clientHeight) / 3;
        await frame();
      }
      return this.end();
    },
    async jump(times) {
      this.begin();
      for (let n = 0; n < times; n += 1) {
        // Jumps far apart, and the same ones in every run.
        scroller().scrollTop = ((n * 0.618034) % 1) * scroller().scrollHeight;
        await frame();
      }
      return this.end();
    },
    /** Waits at the end of the conversation until `count` new messages have arrived. */
    async arrive(count) {
      this.begin();
      scroller().scrollTop = scroller().scrollHeight;
      while (!scroller().textContent.includes(`One more, ${count - 1}.`)) await frame();
      return this.end();
    },
  };
}
