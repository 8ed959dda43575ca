/** The events that the console keeps: the newest ones, with sums for each trace. */

/** The most events. The harness keeps as many. */
const MOST = 100_000;
/** How many go at once when there are too many. */
const SURPLUS = 5_000;
const LEVELS = ["ok", "warning", "error"];

/**
 * @typedef {object} Event an event as the harness sends it
 * @property {number} number
 * @property {string} kind
 * @property {string} name
 * @property {string} level
 * @property {string} [traceId]
 * @property {string} spanId
 * @property {string} [parentSpanId]
 * @property {number} startTimeUnixMicro
 * @property {number} durationMicro
 * @property {Record<string, unknown>} attributes
 * @property {number} [cost]
 * @property {string} [body]
 */

/** What is known of all events of a trace. */
class Trace {
  /** @type {Event[]} */ events = [];
  level = 0;
  cost = 0;
  readUnits = 0;
  writeUnits = 0;
  pushes = 0;
  cold = false;

  /** @param {Event} event */
  add(event) {
    const { attributes } = event;
    this.events.push(event);
    this.level = Math.max(this.level, LEVELS.indexOf(event.level));
    this.cost += event.cost ?? 0;
    this.readUnits += attributes["aws.dynamodb.read_units"] ?? 0;
    this.writeUnits += attributes["aws.dynamodb.write_units"] ?? 0;
    if (event.kind === "push") this.pushes += 1;
    if (attributes["faas.coldstart"]) this.cold = true;
  }
}

export class Store {
  /** @type {Event[]} */ events = [];
  /** @type {Map<string, Trace>} */ traces = new Map();
  /** How many events this console has missed. */
  lost = 0;
  #listeners = new Set();

  /** Calls `listener` after each batch, with the new events. Returns a function that ends this. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param {Event[]} events @param {number} [lost] */
  add(events, lost = 0) {
    this.lost += lost;
    for (const event of events) {
      this.events.push(event);
      if (event.traceId === undefined) continue;
      const trace = this.traces.get(event.traceId) ?? new Trace();
      trace.add(event);
      this.traces.set(event.traceId, trace);
    }
    if (this.events.length > MOST) this.#shrink();
    for (const listener of this.#listeners) listener(events);
  }

  /** Forgets everything. */
  clear() {
    this.events = [];
    this.traces.clear();
    this.lost = 0;
  }

  /** Forgets the oldest events. */
  #shrink() {
    for (const event of this.events.splice(0, this.events.length - MOST + SURPLUS)) {
      const trace = this.traces.get(event.traceId);
      if (trace === undefined) continue;
      trace.events.shift();
      if (trace.events.length === 0) this.traces.delete(event.traceId);
    }
  }

  /** The number of the oldest event that is kept. */
  get oldest() {
    return this.events[0]?.number ?? 0;
  }

  /** @param {Event} event */
  traceOf(event) {
    return this.traces.get(event.traceId);
  }

  /** How bad the worst event of the same trace is: 0, 1 or 2. @param {Event} event */
  levelOf(event) {
    return this.traceOf(event)?.level ?? LEVELS.indexOf(event.level);
  }
}

/** Returns the value below which a share of the sorted numbers is. */
export const percentile = (sorted, share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
