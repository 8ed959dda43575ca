/** The conversation on screen, with the field for a new message. */

import { cleanBody, encodedBytes, isolated, MAX_BODY_BYTES, systemClock } from "../client/index.js";
import { element, icon, Icons, isForInputMethod, setAttribute, setText } from "./element.js";
import { MessagesView } from "./messages.js";

/** @import { Client, Conversation, ConversationInfo } from "../client/public.js" */
/** @import { Drafts } from "../session.js" */
/** @import { ComposerMode } from "./types.js" */

const MAX_ROWS = 6;
const COMPANY_AFTER_MS = 1_000;
/** On-screen keyboards have no Shift+Enter, so Enter starts a new line. */
const isTouch = matchMedia("(pointer: coarse) and (hover: none)");

export class ConversationPane {
  #title = element("h2", { tabindex: -1 });
  #people = element("p", { class: "people" });
  #count = element("span", {});
  #empty = element("p", { class: "empty" });
  /** One line, also while nobody types, so that the messages do not move. */
  #typing = element("div", { class: "typing" });
  #messages;
  #composer;
  #content;
  #showPeople;
  /** @type {import("./company.js").CompanyView | null} */
  #company = null;
  #isLoading = false;

  /**
   * @param {Client} client
   * @param {{drafts: Drafts, onBack: () => void, onPeople: () => void}} options
   */
  constructor(client, { drafts, onBack, onPeople }) {
    this.#composer = new ComposerView(drafts, {
      onInput: (text) =>
        text === ""
          ? client.currentConversation?.stopTyping()
          : client.currentConversation?.keystroke(),
      onSend: (body, replyTo) => void client.currentConversation?.send(body, { replyTo }),
    });
    this.#messages = new MessagesView(client, this.#composer);
    this.#showPeople = element(
      "button",
      {
        class: "quiet show-people",
        type: "button",
        "aria-haspopup": "dialog",
        title: "People",
        "data-testid": "people",
        onclick: onPeople,
      },
      icon(Icons.people),
      this.#count,
    );
    const back = element(
      "button",
      {
        class: "quiet back",
        type: "button",
        "aria-label": "Back to the conversations",
        title: "Back",
        onclick: onBack,
      },
      icon(Icons.back),
    );
    const head = element(
      "div",
      { class: "pane-head" },
      back,
      element("div", { class: "pane-title" }, this.#title, this.#people),
      this.#showPeople,
    );
    this.#content = element(
      "section",
      { class: "conversation" },
      head,
      this.#messages.root,
      this.#typing,
      this.#composer.root,
    );
    this.root = element("div", { class: "pane" }, this.#empty, this.#content);
  }

  /** On touch devices, focusing the composer opens the keyboard. */
  focus() {
    if (matchMedia("(hover: none)").matches) this.#title.focus();
    else this.#composer.focus();
  }

  /** @param {Client} client @param {number} now */
  render(client, now) {
    const conversation = client.currentConversation;
    const info = conversation?.info;
    this.#content.hidden = !info;
    this.#empty.hidden = info !== undefined;
    if (!conversation || !info) {
      setText(this.#empty, emptyText(client));
      return;
    }
    const { title } = conversation;
    setText(this.#title, title);
    setAttribute(this.#content, "aria-label", title);
    setText(this.#people, peopleText(info, conversation, client.me.user));
    const count = info.complete ? String(info.people.size) : "";
    setText(this.#count, count);
    setAttribute(this.#showPeople, "aria-label", count ? `People: ${count}` : "People");
    this.#composer.render(info.id);
    this.#messages.render(conversation, now);
    this.#company?.render(conversation, now);
    if (conversation.history !== "loading") this.#loadCompany(client);
  }

  /**
   * What others do, and what can be done with messages, is not needed to read and write.
   * @param {Client} client
   */
  #loadCompany(client) {
    if (this.#isLoading) return;
    this.#isLoading = true;
    systemClock.after(COMPANY_AFTER_MS, async () => {
      void this.#messages.decorate();
      const module = await import("./company.js").catch(() => null);
      // The next change of the page loads it again.
      if (!module) this.#isLoading = false;
      else {
        const [people, typing, messages] = [this.#people, this.#typing, this.#messages];
        this.#company = new module.CompanyView(client, { people, typing, messages });
        this.render(client, systemClock.now());
      }
    });
  }
}

/** @param {ConversationInfo} info @param {Conversation} conversation @param {string} me user id */
function peopleText({ people, complete }, conversation, me) {
  const others = [...people].filter((user) => user !== me);
  const names = others.map((user) => isolated(conversation.nameOf(user)));
  if (people.has(me)) names.unshift("You");
  if (!complete && names.length > 0) names.push("…");
  return names.join(", ");
}

/** @param {Client} client */
function emptyText(client) {
  if (!client.currentConversation) return "Choose a conversation, or start a new one.";
  return client.isLoaded ? "You are not in this conversation." : "Loading…";
}

/** Each conversation has its own draft. */
export class ComposerView {
  /** @type {ComposerMode | null} */
  mode = null;
  conversation = "";
  input = element("textarea", {
    id: "composer-input",
    "data-testid": "composer-input",
    rows: 1,
    placeholder: "Write a message",
    "aria-label": "Message",
    enterkeyhint: isTouch.matches ? "enter" : "send",
    autocomplete: "off",
    dir: "auto",
    onkeydown: (/** @type {KeyboardEvent} */ event) => this.#pressed(event),
    oninput: () => {
      this.changed();
      if (!this.mode) this.#options.onInput(this.input.value);
    },
  });
  #send = element(
    "button",
    {
      class: "send",
      type: "submit",
      "data-testid": "composer-send",
      "aria-label": "Send",
      title: "Send",
    },
    icon(Icons.send),
  );
  #message = element("p", { class: "form-message", role: "status" });
  drafts;
  #options;

  /**
   * @param {Drafts} drafts
   * @param {{onInput: (text: string) => void, onSend: (body: string, replyTo: number) => void}} options
   */
  constructor(drafts, options) {
    this.drafts = drafts;
    this.#options = options;
    const onsubmit = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      this.#submit();
    };
    this.root = element(
      "form",
      { class: "composer", onsubmit },
      this.#message,
      element("div", { class: "field composer-field" }, this.input, this.#send),
    );
  }

  /** @param {string} conversation */
  render(conversation) {
    if (conversation === this.conversation) return;
    this.mode?.end();
    this.conversation = conversation;
    this.input.value = this.drafts.get(conversation);
    this.changed();
  }

  focus() {
    this.input.focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || isForInputMethod(event) || isTouch.matches)
      return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const body = cleanBody(this.input.value);
    if (body === "" || encodedBytes(body) > MAX_BODY_BYTES) return;
    this.input.value = "";
    this.changed();
    this.input.focus();
    if (this.mode) return this.mode.send(body);
    const replyTo = Number(this.replyTo);
    this.replyTo = "";
    this.#options.onSend(body, replyTo);
  }

  /** The seq of the message that the draft replies to; empty for none. */
  get replyTo() {
    return this.drafts.get(`reply ${this.conversation}`);
  }

  set replyTo(seq) {
    this.drafts.set(`reply ${this.conversation}`, seq);
  }

  changed() {
    const text = this.input.value;
    if (!this.mode) this.drafts.set(this.conversation, text);
    this.input.rows = Math.min(MAX_ROWS, text.split("\n").length);
    const body = cleanBody(text);
    const excess = encodedBytes(body) - MAX_BODY_BYTES;
    this.#send.disabled = body === "" || excess > 0;
    setText(
      this.#message,
      excess > 0
        ? `The message is ${excess.toLocaleString()} bytes too long. Send it in several messages.`
        : "",
    );
  }
}
