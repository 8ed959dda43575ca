/** The dialog that tells who is in a conversation, lets others in and out, and oneself out. */

import { MAX_USER_BYTES } from "../client/protocol.js";
import { dialog, show } from "./dialog.js";
import { arrange, avatar, element, icon, Icons, setAttribute, setText } from "./element.js";

/** @import { Client } from "../client/client.js" */

/**
 * @typedef {object} PeopleOptions
 * @property {(conversation: string, user: string) => Promise<string | null>} onAdd the answer: what went wrong
 * @property {(conversation: string, user: string) => Promise<string | null>} onRemove the answer: what went wrong
 */

/** @typedef {{user: string, name: string, isMe: boolean, isOwner: boolean, canGo: boolean}} Person */

export class PeopleView {
  #conversation = "";
  /** Who is about to be removed, if that is confirmed. @type {string | null} */ #leaving = null;
  /** @type {Map<string, PersonRow>} */ #rows = new Map();
  #list = element("ul", {
    class: "people-list",
    "aria-labelledby": "people-heading",
    "data-testid": "people-list",
  });
  #partial = element("p", { class: "hint" }, "Asking who else is in it…");
  #input = element("input", {
    id: "add-person",
    "data-testid": "add-person",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    placeholder: "dave",
    "aria-describedby": "add-person-hint",
  });
  #add = element(
    "button",
    { class: "primary", type: "submit", "data-testid": "add-person-submit" },
    "Add",
  );
  #message = element("p", { class: "form-message", role: "alert" });
  #news = element("p", { class: "unseen", role: "status" });
  #options;

  /** @param {PeopleOptions} options */
  constructor(options) {
    this.#options = options;
    const close = element(
      "button",
      {
        class: "quiet close",
        type: "button",
        "aria-label": "Close",
        title: "Close",
        "data-testid": "people-close",
        onclick: () => this.root.close(),
      },
      icon(Icons.close),
    );
    const form = element(
      "form",
      {
        class: "add-person",
        onsubmit: (/** @type {SubmitEvent} */ event) => void this.#submitted(event),
      },
      element("label", { for: "add-person" }, "Add somebody"),
      this.#input,
      this.#add,
      element(
        "p",
        { class: "hint", id: "add-person-hint" },
        "A user name. Whoever is added can read everything, from the beginning.",
      ),
    );
    const head = element(
      "div",
      { class: "dialog-head" },
      element("h2", { id: "people-heading" }, "People"),
      close,
    );
    const content = element(
      "div",
      { class: "dialog-form" },
      head,
      this.#list,
      this.#partial,
      form,
      this.#message,
      this.#news,
    );
    this.root = dialog("people-heading", { closedby: "any" }, content);
  }

  /** @param {string} conversation @param {Client} client */
  open(conversation, client) {
    this.#conversation = conversation;
    this.#leaving = null;
    this.#input.value = "";
    setText(this.#message, "");
    setText(this.#news, "");
    show(this.root);
    this.render(client);
  }

  /** @param {Client} client */
  render(client) {
    if (!this.root.open) return;
    const { directory, me } = client;
    const listed = directory.get(this.#conversation);
    // Removed by somebody else, or by oneself in another window.
    if (!listed || client.openId !== this.#conversation) return this.root.close();
    this.#partial.hidden = listed.complete;
    const people = [...listed.people].map((user) => {
      const isMe = user === me.user;
      return {
        user,
        name: directory.nameOf(user),
        isMe,
        isOwner: user === listed.owner,
        canGo: isMe || listed.owner === me.user,
      };
    });
    people.sort(
      (one, other) => Number(other.isMe) - Number(one.isMe) || one.name.localeCompare(other.name),
    );
    const gone = new Set(this.#rows.keys());
    const rows = people.map((person) => {
      gone.delete(person.user);
      const row = this.#rows.get(person.user) ?? this.#newRow(person.user);
      row.render(person, this.#leaving === person.user);
      return row.root;
    });
    for (const user of gone) {
      if (this.#rows.get(user)?.root.contains(document.activeElement)) this.#input.focus();
      this.#rows.delete(user);
    }
    arrange(this.#list, rows);
  }

  /** @param {string} user */
  #newRow(user) {
    const choose = (/** @type {boolean} */ isLeaving) => {
      this.#leaving = isLeaving ? user : null;
      for (const [other, row] of this.#rows) row.ask(other === this.#leaving);
    };
    const row = new PersonRow({
      user,
      onAsk: () => choose(true),
      onKeep: () => choose(false),
      onGo: () => void this.#remove(user),
    });
    this.#rows.set(user, row);
    return row;
  }

  /** @param {string} user */
  async #remove(user) {
    const wrong = await this.#options.onRemove(this.#conversation, user);
    this.#leaving = null;
    for (const row of this.#rows.values()) row.ask(false);
    setText(this.#message, wrong ?? "");
    if (wrong === null) setText(this.#news, `${user} has been removed.`);
  }

  /** @param {SubmitEvent} event */
  async #submitted(event) {
    event.preventDefault();
    const user = this.#input.value.trim();
    const isTooLong = new TextEncoder().encode(user).length > MAX_USER_BYTES;
    setText(this.#message, isTooLong ? "That is too long for a user name." : "");
    this.#input.focus();
    if (user === "" || isTooLong) return;
    setAttribute(this.#add, "aria-busy", "true");
    const wrong = await this.#options.onAdd(this.#conversation, user);
    setAttribute(this.#add, "aria-busy", null);
    setText(this.#message, wrong ?? "");
    if (wrong !== null) return;
    this.#input.value = "";
    setText(this.#news, `${user} is in the conversation.`);
  }
}

/** One person, and the way out, which is asked for twice. */
class PersonRow {
  #picture = element("span", {});
  #name = element("span", { class: "person-name" });
  #about = element("span", { class: "hint" });
  #remove = element("button", { class: "quiet", type: "button", "data-testid": "person-remove" });
  #question = element("span", { class: "person-question" });
  #confirm = element("button", {
    class: "danger",
    type: "button",
    "data-testid": "person-confirm",
  });
  #keep = element("button", { class: "quiet", type: "button" }, "Cancel");
  #asking = element("div", { class: "person-asking" }, this.#question, this.#keep, this.#confirm);
  #canGo = false;

  /** @param {{user: string, onAsk: () => void, onKeep: () => void, onGo: () => void}} options */
  constructor({ user, onAsk, onKeep, onGo }) {
    this.#remove.addEventListener("click", () => {
      onAsk();
      this.#confirm.focus();
    });
    this.#keep.addEventListener("click", () => {
      onKeep();
      this.#remove.focus();
    });
    this.#confirm.addEventListener("click", onGo);
    this.root = element(
      "li",
      { class: "person", "data-testid": "person", "data-user": user },
      this.#picture,
      element("span", { class: "person-who" }, this.#name, this.#about),
      this.#remove,
      this.#asking,
    );
  }

  /** @param {Person} person @param {boolean} isAsking */
  render({ user, name, isMe, isOwner, canGo }, isAsking) {
    const shown = isMe ? `${name} (you)` : name;
    if (this.#name.textContent !== shown) this.#picture.replaceChildren(avatar(user, name));
    setText(this.#name, shown);
    setText(
      this.#about,
      [...(name === user ? [] : [user]), ...(isOwner ? ["started it"] : [])].join(" · "),
    );
    setText(this.#remove, isMe ? "Leave" : "Remove");
    setAttribute(this.#remove, "aria-label", isMe ? "Leave the conversation" : `Remove ${name}`);
    setText(
      this.#question,
      isMe ? "You come back only if somebody adds you." : `${name} will see nothing more of this.`,
    );
    setText(this.#confirm, isMe ? "Leave" : "Remove");
    setAttribute(this.#confirm, "aria-label", isMe ? "Leave for good" : `Remove ${name} for good`);
    this.#canGo = canGo;
    this.ask(isAsking);
  }

  /** @param {boolean} isAsking */
  ask(isAsking) {
    this.#remove.hidden = !this.#canGo || isAsking;
    this.#asking.hidden = !isAsking;
  }
}
