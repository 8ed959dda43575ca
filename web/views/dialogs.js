/** The dialogs of a client. All are loaded when the first one is opened. */

import { Unanswered } from "../client/index.js";
import { NewConversationView } from "./new_conversation.js";
import { PeopleView } from "./people.js";

/** @import { Client } from "../client/public.js" */

export class Dialogs {
  #client;
  #newConversation;
  #people;

  /**
   * @param {Client} client
   * @param {(id: string) => void} onCreated shows a new conversation
   */
  constructor(client, onCreated) {
    this.#client = client;
    const find = (/** @type {string} */ text) => client.findPeople(text);
    this.#newConversation = new NewConversationView({
      find,
      newId: () => crypto.randomUUID(),
      onCreate: (conversation) => attempt(async () => onCreated(await client.create(conversation))),
    });
    this.#people = new PeopleView({
      find,
      onAdd: (id, user) => attempt(() => client.conversation(id).addParticipant(user)),
      onRemove: (id, user) => attempt(() => client.conversation(id).removeParticipant(user)),
    });
  }

  showNewConversation() {
    this.#newConversation.open();
  }

  showPeople() {
    const { currentConversation: current } = this.#client;
    if (current) this.#people.open(current.id, this.#client);
  }

  render() {
    this.#people.render(this.#client);
  }
}

/**
 * Returns what went wrong.
 * @param {() => Promise<void>} action
 */
async function attempt(action) {
  try {
    await action();
    return null;
  } catch (error) {
    if (error instanceof Unanswered) return "The server did not answer. Try again: that is safe.";
    return error instanceof Error ? error.message : String(error);
  }
}
