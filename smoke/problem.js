/** What is wrong with a deployment, and what to do about it, in one line. */
export class Problem extends Error {}

/** The command or its environment is incomplete, so nothing was tested. */
export class UsageError extends Error {}
