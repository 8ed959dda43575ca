/** One conversation, in which everybody uses another program: a browser, Python, wscat, websocat. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { launch, Window } from "../lib/window.js";
import { Program } from "./recipes.js";

/** What a program prints for each frame: the frame on a line of its own, … */
const LINES = /^(\{.*\})\r?$/gm;
/** … or between a sign and codes of the terminal. */
const WSCAT = /< (\{.*\})[^}\n]*$/gm;

/** Somebody who talks by a program that sends the lines of its input. */
class Speaker {
  #program;
  #frame;
  #bodies = new Map();

  /** @param {Person} person @param {Program} program @param {RegExp} [frame] how it prints one */
  constructor(person, program, frame = LINES) {
    this.person = person;
    this.#program = program;
    this.#frame = frame;
  }

  /** Sends a request, and waits for the answer. @param {object} frame @returns {Promise<object>} */
  async ask(frame) {
    const ref = `${frame.action}-${frame.id ?? this.frames().length}`;
    this.#program.types(JSON.stringify({ ...frame, ref }));
    const answer = () => this.frames().find((candidate) => candidate.ref === ref);
    await this.#program.until(() => answer() !== undefined, `an answer to ${ref}`);
    return answer();
  }

  /** Waits for the acknowledgement, too. @param {string} conversation @param {string} body */
  async say(conversation, body) {
    const id = `${this.person.user}-${this.#bodies.size}`;
    this.#bodies.set(id, body);
    const answer = await this.ask({ action: "sendMessage", conversation, id, body });
    assert.equal(answer.event, "sent");
  }

  /** Waits until it has heard a message, or sent it. @param {string} body */
  hears(body) {
    return this.#program.until(() => this.heard().some(([, text]) => text === body), body);
  }

  /** Messages that came or were acknowledged, as they came: `[seq, body]`. @returns {[number, string][]} */
  heard() {
    return this.frames().flatMap((frame) => {
      if (frame.event === "message") return [[frame.seq, frame.body]];
      return frame.event === "sent" ? [[frame.seq, this.#bodies.get(frame.id)]] : [];
    });
  }

  /** Everything that came. An error among it is the end of the test, since nobody would get the answer waited for. */
  frames() {
    const frames = [...this.#program.said.matchAll(this.#frame)].map(([, json]) =>
      JSON.parse(json),
    );
    const failure = frames.find(({ event }) => event === "error" || event === undefined);
    assert.equal(failure, undefined, JSON.stringify(failure));
    return frames;
  }
}

suite("a conversation across everybody's programs", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  test("a browser window, Python, wscat and websocat see every message, in the same order", async () => {
    const names = ["Ada", "Guido", "Einar", "Vitaly"];
    const [ada, guido, einar, vitaly] = await Promise.all(
      names.map((name) => Person.arrive(stack, name)),
    );
    const window = await (await Window.open(browser, stack, ada)).logIn();
    await window.start("By whatever you like", [guido, einar, vitaly]);
    const conversation = await window
      .listed("By whatever you like")
      .getAttribute("data-conversation");

    const python = new Program("python", ["e2e/tools/conversation.py"], {
      URL: stack.ws,
      TOKEN: guido.token,
      CONVERSATION: conversation,
      DYNAMODB: stack.dynamodb,
      AWS_ACCESS_KEY_ID: stack.accessKeyId,
      AWS_SECRET_ACCESS_KEY: stack.secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
    });
    // It speaks to terminals only, and `script` is one.
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

    // In turns: everybody waits until everybody has heard. So what comes, comes in the log's order.
    const turns = [];
    const turn = async (body, say) => {
      turns.push([turns.length + 1, stack.secret(body)]);
      await say(body);
      await window.message(body, "sent").waitFor();
      await Promise.all(speakers.map((speaker) => speaker.hears(body)));
    };
    await turn("Ada, by a browser window.", (body) => window.say(body));
    for (const speaker of speakers) {
      const { name } = speaker.person;
      await turn(`${name}, by a program of his own.`, (body) => speaker.say(conversation, body));
    }
    await turn("Ada again: “grüß Gott” 🎉 <b>all</b>", (body) => window.say(body));
    for (const speaker of speakers) assert.deepEqual(speaker.heard(), turns);

    // All at once: pushes may overtake one another, and the log alone says what the order is.
    const chorus = speakers.flatMap((speaker) =>
      [1, 2, 3].map((n) => ({
        speaker,
        body: stack.secret(`${speaker.person.name} at the same moment, ${n}.`),
      })),
    );
    const songs = speakers.map(async (singer) => {
      for (const { speaker, body } of chorus)
        if (speaker === singer) await speaker.say(conversation, body);
    });
    await Promise.all([...songs, window.say("Ada at the same moment.")]);
    for (const { body } of chorus) await window.message(body, "sent").waitFor();
    await window.message("Ada at the same moment.", "sent").waitFor();

    const log = (await ada.log(conversation)).map(({ seq, body }) => [seq, body]);
    assert.equal(log.length, turns.length + chorus.length + 1);
    assert.deepEqual(log.slice(0, turns.length), turns);
    for (const speaker of speakers) {
      const { events } = await speaker.ask({ action: "subscribe", conversation, after: 0 });
      assert.deepEqual(
        events.map(({ seq, body }) => [seq, body]),
        log,
      );
      // Nothing that came by itself is anything else than what is in the log.
      for (const [seq, body] of speaker.heard()) assert.deepEqual([seq, body], log[seq - 1]);
    }
    assert.deepEqual(
      (await window.messages()).map(({ seq, body }) => [Number(seq), body]),
      log,
    );

    python.child.stdin.end();
    assert.equal(await python.ended, 0, python.said);
    assert.deepEqual(JSON.parse(python.said.trim().split("\n").at(-1)), log);
    await Promise.all([terminal.stop(), websocat.stop(), window.close()]);
  });
});
