/** The dialog that shows the participants of a conversation, and adds and removes them. */

import { MAX_USER_BYTES, systemClock } from "../client/index.js";
import { closeIcon, dialog, show } from "./dialog.js";
import { lastSeenText } from "./last_seen.js";
import { arrange, avatar, element, setAttribute, setText } from "./element.js";
import { Suggestions } from "./suggestions.js";

/** @import { Client, Person as Found } from "../client/public.js" */

/**
 * @typedef {object} PeopleOptions
 * @property {(text: string) => Promise<Found[]>} find finds people by a part of their name
 * @property {(conversation: string, user: string) => Promise<string | null>} onAdd returns what went
 *   wrong
 * @property {(conversation: string, user: string) => Promise<string | null>} onRemove returns what went
 *   wrong
 */

/**
 * @typedef {object} Person
 * @property {string} user
 * @property {string} name
 * @property {boolean} isMe
 * @property {boolean} isOwner
 * @property {string} presence whether they are here; empty if that is not known
 * @property {boolean} isRemovable by this user
 */

export class PeopleView {
  #conversation = "";
  /**
   * The user whose removal waits for a confirmation.
   * @type {string | null}
   */
  #removing = null;
  /** @type {Map<string, PersonRow>} */
  #rows = new Map();
  #list = element("ul", {
    class: "people-list",
    "aria-labelledby": "people-heading",
    "data-testid": "people-list",
  });
  #partial = element("p", { class: "hint" }, "Loading the other participants…");
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
      closeIcon(),
    );
    const suggestions = new Suggestions(this.#input, {
      label: "People you may mean",
      find: async (text) => {
        const people = await options.find(text);
        return people.filter(({ user }) => !this.#rows.has(user));
      },
      onChoose: ({ user }) => {
        this.#input.value = user;
        this.#add.focus();
      },
    });
    const form = element(
      "form",
      {
        class: "add-person",
        onsubmit: (/** @type {SubmitEvent} */ event) => void this.#submitted(event),
      },
      element("label", { for: "add-person" }, "Add a person"),
      this.#input,
      this.#add,
      suggestions.root,
      element(
        "p",
        { class: "hint", id: "add-person-hint" },
        "A name of somebody you know, or a user name. New people can read the whole conversation.",
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
    this.#removing = null;
    this.#input.value = "";
    setText(this.#message, "");
    setText(this.#news, "");
    show(this.root);
    this.render(client);
  }

  /** @param {Client} client */
  render(client) {
    if (!this.root.open) return;
    const { currentConversation: current, me } = client;
    const info = current?.info;
    // The user may have been removed, or may have opened another conversation.
    if (!info || current?.id !== this.#conversation) return this.root.close();
    this.#partial.hidden = info.complete;
    const people = [...info.people].map((user) => {
      const isMe = user === me.user;
      return {
        user,
        name: client.nameOf(user),
        isMe,
        isOwner: user === info.owner,
        presence: presenceText(client, user),
        isRemovable: isMe || info.owner === me.user,
      };
    });
    people.sort(
      (one, other) => Number(other.isMe) - Number(one.isMe) || one.name.localeCompare(other.name),
    );
    const gone = new Set(this.#rows.keys());
    const rows = people.map((person) => {
      gone.delete(person.user);
      const row = this.#rows.get(person.user) ?? this.#newRow(person.user);
      row.render(person, this.#removing === person.user);
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
    const choose = (/** @type {boolean} */ isRemoving) => {
      this.#removing = isRemoving ? user : null;
      for (const [other, row] of this.#rows) row.setConfirming(other === this.#removing);
    };
    const row = new PersonRow({
      user,
      onRemove: () => choose(true),
      onCancel: () => choose(false),
      onConfirm: () => void this.#remove(user),
    });
    this.#rows.set(user, row);
    return row;
  }

  /** @param {string} user */
  async #remove(user) {
    const problem = await this.#options.onRemove(this.#conversation, user);
    this.#removing = null;
    for (const row of this.#rows.values()) row.setConfirming(false);
    setText(this.#message, problem ?? "");
    if (problem === null) setText(this.#news, `${user} has been removed.`);
  }

  /** @param {SubmitEvent} event */
  async #submitted(event) {
    event.preventDefault();
    // The server accepts only NFC; not all keyboards type it.
    const user = this.#input.value.trim().normalize();
    const isTooLong = new TextEncoder().encode(user).length > MAX_USER_BYTES;
    setText(this.#message, isTooLong ? "That is too long for a user name." : "");
    this.#input.focus();
    if (user === "" || isTooLong) return;
    setAttribute(this.#add, "aria-busy", "true");
    const problem = await this.#options.onAdd(this.#conversation, user);
    setAttribute(this.#add, "aria-busy", null);
    setText(this.#message, problem ?? "");
    if (problem !== null) return;
    this.#input.value = "";
    setText(this.#news, `${user} has been added.`);
  }
}

/**
 * @param {Client} client
 * @param {string} user
 */
function presenceText(client, user) {
  const seen = client.presence(user);
  if (seen === null) return "";
  return seen.online ? "online" : lastSeenText(seen.lastSeen, systemClock.now());
}

/** One participant, with a button to remove them that asks for a confirmation. */
class PersonRow {
  #picture = element("span", {});
  #name = element("span", { class: "person-name" });
  #details = element("span", { class: "hint" });
  #remove = element("button", { class: "quiet", type: "button", "data-testid": "person-remove" });
  #question = element("span", { class: "person-question" });
  #confirm = element("button", {
    class: "danger",
    type: "button",
    "data-testid": "person-confirm",
  });
  #cancel = element("button", { class: "quiet", type: "button" }, "Cancel");
  #confirmation = element(
    "div",
    { class: "person-asking" },
    this.#question,
    this.#cancel,
    this.#confirm,
  );
  #isRemovable = false;

  /**
   * @param {object} options
   * @param {string} options.user
   * @param {() => void} options.onRemove
   * @param {() => void} options.onCancel
   * @param {() => void} options.onConfirm
   */
  constructor({ user, onRemove, onCancel, onConfirm }) {
    this.#remove.addEventListener("click", () => {
      onRemove();
      this.#confirm.focus();
    });
    this.#cancel.addEventListener("click", () => {
      onCancel();
      this.#remove.focus();
    });
    this.#confirm.addEventListener("click", onConfirm);
    this.root = element(
      "li",
      { class: "person", "data-testid": "person", "data-user": user },
      this.#picture,
      element("span", { class: "person-who" }, this.#name, this.#details),
      this.#remove,
      this.#confirmation,
    );
  }

  /** @param {Person} person @param {boolean} isConfirming */
  render({ user, name, isMe, isOwner, presence, isRemovable }, isConfirming) {
    const shown = isMe ? `${name} (you)` : name;
    if (this.#name.textContent !== shown) this.#picture.replaceChildren(avatar(user, name));
    setText(this.#name, shown);
    setText(
      this.#details,
      [
        ...(name === user ? [] : [user]),
        ...(isOwner ? ["started it"] : []),
        ...(presence ? [presence] : []),
      ].join(" · "),
    );
    setText(this.#remove, isMe ? "Leave" : "Remove");
    setAttribute(this.#remove, "aria-label", isMe ? "Leave the conversation" : `Remove ${name}`);
    setText(
      this.#question,
      isMe
        ? "You can come back only if someone adds you."
        : `${name} will no longer see this conversation.`,
    );
    setText(this.#confirm, isMe ? "Leave" : "Remove");
    setAttribute(this.#confirm, "aria-label", isMe ? "Leave for good" : `Remove ${name} for good`);
    this.#isRemovable = isRemovable;
    this.setConfirming(isConfirming);
  }

  /** @param {boolean} isConfirming */
  setConfirming(isConfirming) {
    this.#remove.hidden = !this.#isRemovable || isConfirming;
    this.#confirmation.hidden = !isConfirming;
  }
}
