/**
 * What can go wrong, as values: `Refusal`, the server's considered no with its advice; `Unanswered`, after which nobody
 * knows whether the request took effect; `SignedOut`, nobody is logged in.
 */

/** @import { Problem } from "./wire.js" */

/** Codes of the protocol's errors; `docs/protocol.md` says what each means. */
export const Code = Object.freeze({
  malformed: "malformed",
  invalid: "invalid",
  unknownAction: "unknown_action",
  tooLarge: "too_large",
  unauthenticated: "unauthenticated",
  forbidden: "forbidden",
  notFound: "not_found",
  unknownPosition: "unknown_position",
  resyncRequired: "resync_required",
  idReused: "id_reused",
  contended: "contended",
  rateLimited: "rate_limited",
  internal: "internal",
});

/** The server will not do it, and says what to do about that. */
export class Refusal extends Error {
  /** @override */ name = "Refusal";

  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.message);
    /** The whole of what the server said. @type {Problem} */ this.problem = problem;
  }

  /** One of `Code`, or a code of the future. */
  get code() {
    return this.problem.code;
  }

  /** What to do: `never` again as it is, `reauthenticate`, `resync`, or `later`. */
  get retry() {
    return this.problem.retry;
  }

  /** The field that is wrong, if the server named one. */
  get field() {
    return this.problem.field;
  }
}

/** No answer, or none that can be read. What was asked for may have been done: ask again with the same id. */
export class Unanswered extends Error {
  /** @override */ name = "Unanswered";
}

/** There is no token: the provider has none, or only one that the server has refused. */
export class SignedOut extends Error {
  /** @override */ name = "SignedOut";
}
