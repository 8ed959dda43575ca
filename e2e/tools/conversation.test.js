/**
 * One conversation in which each participant uses another program: a browser, Python, wscat,
 * websocat.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { launch, Window } from "../lib/window.js";
import { Program } from "./recipes.js";

/** Most programs print each frame on its own line. */
const LINES = /^(\{.*\})\r?$/gm;
/** wscat prints frames between a marker and control codes of the terminal. */
const WSCAT = /< (\{.*\})[^}\n]*$/gm;

/** A participant who uses a program that sends each line of its input. */
class Speaker {
  #program;
  #frame;
  #bodies = new Map();

  /**
   * @param {Person} person
   * @param {Program} program
   * @param {RegExp} [frame] matches the frames in the program's output
   */
  constructor(person, program, frame = LINES) {
    this.person = person;
    this.#program = program;
    this.#frame = frame;
  }

  /**
   * Sends a request and returns the reply.
   *
   * @param {object} frame
   * @returns {Promise<object>}
   */
  async ask(frame) {
    const ref = `${frame.action}-${frame.id ?? this.frames().length}`;
    this.#program.types(JSON.stringify({ ...frame, ref }));
    const answer = () => this.frames().find((candidate) => candidate.ref === ref);
    await this.#program.until(() => answer() !== undefined, `an answer to ${ref}`);
    return answer();
  }

  /**
   * Sends a message and waits for its acknowledgement.
   *
   * @param {string} conversation
   * @param {string} body
   */
  async say(conversation, body) {
    const id = `${this.person.user}-${this.#bodies.size}`;
    this.#bodies.set(id, body);
    const answer = await this.ask({ action: "sendMessage", conversation, id, body });
    assert.equal(answer.event, "sent");
  }

  /** Waits until a message was received or acknowledged. @param {string} body */
  hears(body) {
    return this.#program.until(() => this.heard().some(([, text]) => text === body), body);
  }

  /**
   * Returns the messages in the order in which they were received or acknowledged, as `[seq,
   * body]`.
   *
   * @returns {[number, string][]}
   */
  heard() {
    return this.frames().flatMap((frame) => {
      if (frame.event === "message") return [[frame.seq, frame.body]];
      return frame.event === "sent" ? [[frame.seq, this.#bodies.get(frame.id)]] : [];
    });
  }

  /**
   * Returns all received frames. Fails if one of them is an error, because the test would wait in
   * vain.
   */
  frames() {
    const frames = [...this.#program.output.matchAll(this.#frame)].map(([, json]) =>
      JSON.parse(json),
    );
    const failure = frames.find(({ event }) => event === "error" || event === undefined);
    assert.equal(failure, undefined, JSON.stringify(failure));
    return frames;
  }
}

suite("a conversation between different programs", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  test("a browser, Python, wscat and websocat receive every message in the same order", async () => {
    const names = ["Ada", "Guido", "Einar", "Vitaly"];
    const [ada, guido, einar, vitaly] = await Promise.all(
      names.map((name) => Person.create(stack, name)),
    );
    const window = await (await Window.open(browser, stack, ada)).logIn();
    await window.start("With any client", [guido, einar, vitaly]);
    const conversation = await window.listed("With any client").getAttribute("data-conversation");

    const python = new Program("python", ["e2e/tools/conversation.py"], {
      URL: stack.ws,
      TOKEN: guido.token,
      CONVERSATION: conversation,
      DYNAMODB: stack.dynamodb,
      AWS_ACCESS_KEY_ID: stack.accessKeyId,
      AWS_SECRET_ACCESS_KEY: stack.secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
    });
    // wscat requires a terminal, which `script` provides.
    const wscat = `wscat -c ${stack.ws} -s confab.v1 -H "Authorization: Bearer $TOKEN"`;
    const terminal = new Program(
      "script",
      ["--quiet", "--flush", "--return", "--command", wscat, "/dev/null"],
      {
        TOKEN: einar.token,
      },
    );
    await terminal.says(/Connected/);
    const authorization = `--header=Authorization: Bearer ${vitaly.token}`;
    const websocat = new Program("websocat", ["--protocol", "confab.v1", authorization, stack.ws]);
    const speakers = [
      new Speaker(guido, python),
      new Speaker(einar, terminal, WSCAT),
      new Speaker(vitaly, websocat),
    ];
    for (const speaker of speakers) {
      const { event, head } = await speaker.ask({ action: "subscribe", conversation });
      assert.deepEqual([event, head], ["subscribed", 0]);
    }

    // In turns: each participant waits until all have received the message, so they arrive in log
    // order.
    const turns = [];
    const turn = async (body, say) => {
      turns.push([turns.length + 1, stack.secret(body)]);
      await say(body);
      await window.message(body, "sent").waitFor();
      await Promise.all(speakers.map((speaker) => speaker.hears(body)));
    };
    await turn("Ada, in a browser window.", (body) => window.say(body));
    for (const speaker of speakers) {
      const { name } = speaker.person;
      await turn(`${name}, with another program.`, (body) => speaker.say(conversation, body));
    }
    await turn("Ada again: “grüß Gott” 🎉 <b>all</b>", (body) => window.say(body));
    for (const speaker of speakers) assert.deepEqual(speaker.heard(), turns);

    // All at once: pushes may overtake one another, so only the log determines the order.
    const concurrent = speakers.flatMap((speaker) =>
      [1, 2, 3].map((n) => ({
        speaker,
        body: stack.secret(`${speaker.person.name} at the same moment, ${n}.`),
      })),
    );
    const sending = speakers.map(async (own) => {
      for (const { speaker, body } of concurrent)
        if (speaker === own) await speaker.say(conversation, body);
    });
    await Promise.all([...sending, window.say("Ada at the same moment.")]);
    for (const { body } of concurrent) await window.message(body, "sent").waitFor();
    await window.message("Ada at the same moment.", "sent").waitFor();

    const log = (await ada.log(conversation)).map(({ seq, body }) => [seq, body]);
    assert.equal(log.length, turns.length + concurrent.length + 1);
    assert.deepEqual(log.slice(0, turns.length), turns);
    for (const speaker of speakers) {
      const { events } = await speaker.ask({ action: "subscribe", conversation, after: 0 });
      assert.deepEqual(
        events.map(({ seq, body }) => [seq, body]),
        log,
      );
      // Every push matches the log.
      for (const [seq, body] of speaker.heard()) assert.deepEqual([seq, body], log[seq - 1]);
    }
    assert.deepEqual(
      (await window.messages()).map(({ seq, body }) => [Number(seq), body]),
      log,
    );

    python.child.stdin.end();
    assert.equal(await python.ended, 0, python.output);
    assert.deepEqual(JSON.parse(python.output.trim().split("\n").at(-1)), log);
    await Promise.all([terminal.stop(), websocat.stop(), window.close()]);
  });
});
