/**
 * Counts the steps of regular expressions: a backtracking matcher, as in every browser, runs beside
 * the native one. The two must agree on each match, or the counting fails.
 */

import assert from "node:assert/strict";
import { RegExpParser } from "@eslint-community/regexpp";

/** @import { AST } from "@eslint-community/regexpp" */

/**
 * An instruction. `next` is the index of the one that follows.
 * @typedef {{kind: "character", fits: (character: string) => boolean}
 *   | {kind: "split", first: number, second: number}
 *   | {kind: "jump", to: number}
 *   | {kind: "set", register: number, to: "position" | 0}
 *   | {kind: "count", register: number}
 *   | {kind: "loop", counter: number, start: number, min: number, max: number, greedy: boolean,
 *      body: number}
 *   | {kind: "assert", holds: (text: string, position: number) => boolean}
 *   | {kind: "look", negate: boolean, program: Program}
 *   | {kind: "match"}} Instruction
 */

/**
 * @typedef {object} Program
 * @property {Instruction[]} code
 * @property {boolean} backward whether it reads towards the beginning
 * @property {boolean} unicode whether it reads code points
 */

const nativeExec = RegExp.prototype.exec;
/** @type {Map<string, {program: Program, registers: number}>} */
const programs = new Map();
let steps = 0;

/**
 * Returns the number of steps of all regular expressions that `work` runs.
 * @param {() => void} work
 */
export function stepsOf(work) {
  steps = 0;
  // All methods of strings and expressions call `exec` if it is not the native one.
  RegExp.prototype.exec = function (/** @type {string} */ text) {
    const { flags, lastIndex, source, sticky, global } = this;
    const from = global || sticky ? lastIndex : 0;
    const counted = search(compiled(source, flags), String(text), from, sticky);
    const native = nativeExec.call(this, text);
    const found = native && { index: native.index, end: native.index + native[0].length };
    assert.deepEqual(counted, found, `/${source}/${flags}`.slice(0, 200));
    return native;
  };
  try {
    work();
  } finally {
    RegExp.prototype.exec = nativeExec;
  }
  return steps;
}

/**
 * @param {string} source
 * @param {string} flags
 */
function compiled(source, flags) {
  const key = `${flags} ${source}`;
  const known = programs.get(key);
  if (known) return known;
  const counting = RegExp.prototype.exec;
  RegExp.prototype.exec = nativeExec;
  const pattern = new RegExpParser().parsePattern(source, 0, source.length, flags.includes("u"));
  const compiler = new Compiler(flags);
  const program = compiler.program(pattern.alternatives, false);
  RegExp.prototype.exec = counting;
  const result = { program, registers: compiler.registers };
  programs.set(key, result);
  return result;
}

class Compiler {
  registers = 0;
  #flags;

  /** @param {string} flags */
  constructor(flags) {
    this.#flags = flags;
  }

  /**
   * @param {AST.Alternative[]} alternatives
   * @param {boolean} backward
   * @returns {Program}
   */
  program(alternatives, backward) {
    /** @type {Instruction[]} */
    const code = [];
    this.#alternatives(alternatives, code, backward);
    code.push({ kind: "match" });
    return { code, backward, unicode: this.#flags.includes("u") };
  }

  /**
   * @param {AST.Alternative[]} alternatives
   * @param {Instruction[]} code
   * @param {boolean} backward
   */
  #alternatives(alternatives, code, backward) {
    /** @type {{kind: "jump", to: number}[]} */
    const jumps = [];
    alternatives.forEach(({ elements }, index) => {
      const split = { kind: /** @type {const} */ ("split"), first: code.length + 1, second: 0 };
      const isLast = index === alternatives.length - 1;
      if (!isLast) code.push(split);
      for (const element of backward ? [...elements].reverse() : elements)
        this.#element(element, code, backward);
      if (isLast) return;
      const jump = { kind: /** @type {const} */ ("jump"), to: 0 };
      jumps.push(jump);
      code.push(jump);
      split.second = code.length;
    });
    for (const jump of jumps) jump.to = code.length;
  }

  /**
   * @param {AST.Element} element
   * @param {Instruction[]} code
   * @param {boolean} backward
   */
  #element(element, code, backward) {
    switch (element.type) {
      case "Character":
      case "CharacterClass":
      case "CharacterSet":
        code.push({ kind: "character", fits: this.#fits(element.raw) });
        return;
      case "Group":
      case "CapturingGroup":
        this.#alternatives(element.alternatives, code, backward);
        return;
      case "Quantifier":
        this.#quantifier(element, code, backward);
        return;
      case "Assertion":
        this.#assertion(element, code);
        return;
      default:
        throw new Error(`${element.type} is not supported: ${element.raw}`);
    }
  }

  /**
   * @param {AST.Quantifier} quantifier
   * @param {Instruction[]} code
   * @param {boolean} backward
   */
  #quantifier({ element, greedy, max, min }, code, backward) {
    const [counter, start] = [this.registers, this.registers + 1];
    this.registers += 2;
    code.push({ kind: "set", register: counter, to: 0 }, { kind: "set", register: start, to: 0 });
    const loop = { counter, start, min, max, greedy, body: code.length + 2 };
    const entry = code.length;
    code.push({ kind: "loop", ...loop }, { kind: "jump", to: 0 });
    code.push({ kind: "set", register: start, to: "position" });
    this.#element(/** @type {AST.Element} */ (element), code, backward);
    code.push({ kind: "count", register: counter }, { kind: "jump", to: entry });
    code[entry + 1] = { kind: "jump", to: code.length };
  }

  /**
   * @param {AST.Assertion} assertion
   * @param {Instruction[]} code
   */
  #assertion(assertion, code) {
    const isMultiline = this.#flags.includes("m");
    const isLineEnd = (/** @type {string | undefined} */ character) =>
      character === undefined || (isMultiline && "\n\r\u2028\u2029".includes(character));
    const isWord = (/** @type {string | undefined} */ character) =>
      character !== undefined && nativeExec.call(/^\w$/, character) !== null;
    switch (assertion.kind) {
      case "start":
        code.push({ kind: "assert", holds: (text, at) => at === 0 || isLineEnd(text[at - 1]) });
        return;
      case "end":
        code.push({ kind: "assert", holds: (text, at) => isLineEnd(text[at]) });
        return;
      case "word":
        code.push({
          kind: "assert",
          holds: (text, at) => (isWord(text[at - 1]) !== isWord(text[at])) !== assertion.negate,
        });
        return;
      default: {
        const { alternatives, kind, negate } = assertion;
        const program = this.program(alternatives, kind === "lookbehind");
        code.push({ kind: "look", negate, program });
      }
    }
  }

  /**
   * The native expression of one character, so that classes mean the same here.
   * @param {string} raw
   */
  #fits(raw) {
    const expression = new RegExp(`^${raw}$`, this.#flags.replace(/[gmy]/g, ""));
    /** @type {Map<string, boolean>} */
    const known = new Map();
    return (/** @type {string} */ character) => {
      if (character === "") return false;
      const answer = known.get(character) ?? nativeExec.call(expression, character) !== null;
      known.set(character, answer);
      return answer;
    };
  }
}

/**
 * @param {{program: Program, registers: number}} compiled
 * @param {string} text
 * @param {number} from
 * @param {boolean} sticky
 */
function search({ program, registers }, text, from, sticky) {
  for (let index = from; index <= text.length; index += 1) {
    const end = run(program, text, index, new Array(registers).fill(0));
    if (end !== null) return { index, end };
    if (sticky) break;
    if (program.unicode && (text.codePointAt(index) ?? 0) > 0xffff) index += 1;
  }
  return null;
}

/**
 * @param {Program} program
 * @param {string} text
 * @param {number} position
 * @param {number[]} registers
 * @returns {number | null} where the match ends
 */
function run({ code, backward, unicode }, text, position, registers) {
  /** Where to go on after a failure, and how many changes of registers remain then. */
  const choices = [{ at: 0, position, changes: 0 }];
  /** @type {{register: number, before: number}[]} */
  const changes = [];
  const set = (/** @type {number} */ register, /** @type {number} */ value) => {
    changes.push({ register, before: registers[register] ?? 0 });
    registers[register] = value;
  };
  for (let choice = choices.pop(); choice; choice = choices.pop()) {
    let { at, position } = choice;
    while (changes.length > choice.changes) {
      const change = changes.pop();
      if (change) registers[change.register] = change.before;
    }
    const orElse = (/** @type {number} */ other) =>
      choices.push({ at: other, position, changes: changes.length });
    for (let failed = false; !failed; ) {
      const instruction = code[at];
      steps += 1;
      at += 1;
      switch (instruction?.kind) {
        case "character": {
          const character = characterAt(text, position, backward, unicode);
          failed = !instruction.fits(character);
          position += backward ? -character.length : character.length;
          break;
        }
        case "split":
          orElse(instruction.second);
          at = instruction.first;
          break;
        case "jump":
          at = instruction.to;
          break;
        case "set":
          set(instruction.register, instruction.to === 0 ? 0 : position + 1);
          break;
        case "count":
          set(instruction.register, (registers[instruction.register] ?? 0) + 1);
          break;
        case "loop": {
          const { body, counter, greedy, max, min, start } = instruction;
          const count = registers[counter] ?? 0;
          // A repetition that matched nothing ends the loop.
          const isIdle = count > min && registers[start] === position + 1;
          if (isIdle) failed = true;
          else if (count < min) at = body;
          else if (count < max) {
            orElse(greedy ? at : body);
            if (greedy) at = body;
          }
          break;
        }
        case "assert":
          failed = !instruction.holds(text, position);
          break;
        case "look": {
          const found = run(instruction.program, text, position, [...registers]);
          failed = (found !== null) === instruction.negate;
          break;
        }
        default:
          return position;
      }
    }
  }
  return null;
}

/**
 * Returns the character after or before a position, or nothing at the end of the text.
 * @param {string} text
 * @param {number} position
 * @param {boolean} backward
 * @param {boolean} unicode
 */
function characterAt(text, position, backward, unicode) {
  const character = (backward ? text[position - 1] : text[position]) ?? "";
  if (!unicode || character === "") return character;
  if (!backward) return String.fromCodePoint(text.codePointAt(position) ?? 0);
  const isPair = position > 1 && (text.codePointAt(position - 2) ?? 0) > 0xffff;
  return isPair ? text.slice(position - 2, position) : character;
}
