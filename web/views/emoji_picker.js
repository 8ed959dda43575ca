/** The dialog to choose an emoji: by its name, from a list, or any that is typed or pasted. */

import { closeIcon, dialog, show } from "./dialog.js";
import { element } from "./element.js";
import { shownEmoji } from "./emoji.js";

/** One emoji, of whatever parts. */
const EMOJI =
  /^(?:\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3|\p{Emoji}[\ufe0f\p{Emoji_Modifier}]*(?:\u200d\p{Emoji}[\ufe0f\p{Emoji_Modifier}]*)*[\u{e0020}-\u{e007f}]*)$/u;

/** Emoji with the words by which they are found. */
const KNOWN = `
👍 thumbs up yes|👎 thumbs down no|❤ red heart love|😂 tears of joy laugh|🎉 party popper hooray
😮 surprised wow|😢 crying sad|🙏 folded hands thanks please|👏 clapping bravo|🙌 raised hands hooray
👌 ok hand|💪 strong muscle|🤝 handshake deal|👋 waving hello bye|✌ victory peace|🤞 fingers crossed luck
👀 eyes looking|💯 hundred points|🔥 fire hot|✨ sparkles|⭐ star|🚀 rocket|💡 idea light bulb
✅ check mark done|❌ cross mark no|❓ question mark|❗ exclamation mark|⚠ warning|⏳ hourglass wait|📌 pin
😀 grinning smile|😁 beaming smile|😅 sweat smile relief|🤣 rolling laughing|😊 smiling happy|😇 angel halo
🙂 slight smile|🙃 upside down|😉 wink|😍 heart eyes love|🥰 in love hearts|😘 kiss|😋 yum tasty
😜 tongue wink|🤔 thinking|🤨 raised eyebrow|😐 neutral|🙄 rolling eyes|😏 smirk|😴 sleeping
😌 relieved|😎 cool sunglasses|🤓 nerd|🥳 partying|😕 confused|🙁 frown|😭 sobbing cry|😤 annoyed
😡 angry|🤯 mind blown|😱 scream shock|🥺 pleading|🤗 hug|🤫 quiet|🤦 facepalm|🤷 shrug
😷 mask ill|🤒 fever ill|🥶 cold|🥵 hot|💀 skull|🤖 robot|👻 ghost|🙈 see no evil monkey
💔 broken heart|🧡 orange heart|💛 yellow heart|💚 green heart|💙 blue heart|💜 purple heart|🖤 black heart|🤍 white heart
☀ sun|🌈 rainbow|☁ cloud|🌧 rain|❄ snow|🌙 moon|🌸 blossom|🌻 sunflower
🌲 tree|🍀 clover luck|🐶 dog|🐱 cat|🐭 mouse|🦊 fox|🐻 bear|🐼 panda
🐸 frog|🐔 chicken|🦄 unicorn|🐝 bee|🦋 butterfly|🐢 turtle|🐟 fish|🍎 apple
🍌 banana|🍓 strawberry|🍕 pizza|🍔 burger|🍟 fries|🍞 bread|🥐 croissant|🍰 cake
🎂 birthday cake|🍪 cookie|🍫 chocolate|🍿 popcorn|☕ coffee|🍵 tea|🍺 beer|🍷 wine
🥂 cheers glasses|⚽ football|🏀 basketball|🎾 tennis|🏆 trophy win|🥇 gold medal first|🎮 game|🎲 dice
🎵 music note|🎸 guitar|🎬 film|📷 camera|📚 books|✏ pencil|📎 paperclip|📅 calendar
📞 telephone|💻 laptop computer|⌚ watch|🔑 key|🔒 lock|🎁 gift present|🎈 balloon|💰 money
🚗 car|🚲 bicycle|🚆 train|✈ airplane|🚢 ship|🏠 house home|🏖 beach|⛰ mountain
🏳️‍🌈 rainbow flag|🏁 finish flag|➕ plus|➖ minus|⬆ up arrow|⬇ down arrow|➡ right arrow|⬅ left arrow
`
  .trim()
  .split(/[|\n]/)
  .map((line) => {
    const [emoji = "", ...words] = line.split(" ");
    return { emoji: keyOf(emoji), name: words.join(" ") };
  });

export class EmojiPicker {
  #input = element("input", {
    id: "emoji-search",
    "data-testid": "emoji-search",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    placeholder: "party",
    "aria-describedby": "emoji-hint",
    oninput: () => this.#render(),
  });
  #grid = element("div", { class: "emoji-grid", "data-testid": "emoji-grid" });
  #none = element("p", { class: "hint", role: "status" });
  #root = dialog(
    "emoji-heading",
    { closedby: "any", "data-testid": "emoji-picker" },
    element(
      "form",
      {
        class: "dialog-form",
        onsubmit: (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          const [first] = this.#found();
          if (first) this.#choose(first.emoji);
        },
      },
      element(
        "div",
        { class: "dialog-head" },
        element("h2", { id: "emoji-heading" }, "React"),
        element(
          "button",
          {
            class: "quiet close",
            type: "button",
            "aria-label": "Close",
            title: "Close",
            onclick: () => this.#root.close(),
          },
          closeIcon(),
        ),
      ),
      element("label", { for: "emoji-search" }, "Find an emoji"),
      this.#input,
      element("p", { class: "hint", id: "emoji-hint" }, "By its name. You can also paste one."),
      this.#grid,
      this.#none,
    ),
  );
  #onChoose;

  /** @param {(emoji: string) => void} onChoose */
  constructor(onChoose) {
    this.#onChoose = onChoose;
  }

  open() {
    this.#input.value = "";
    this.#render();
    show(this.#root);
    this.#input.focus();
  }

  #found() {
    const text = this.#input.value.trim();
    if (text !== "" && EMOJI.test(text)) return [{ emoji: keyOf(text), name: "this emoji" }];
    const words = text.toLowerCase().split(/\s+/);
    return KNOWN.filter(({ name }) => words.every((word) => name.includes(word)));
  }

  #render() {
    const found = this.#found();
    this.#none.textContent = found.length === 0 ? "No emoji has this name." : "";
    this.#grid.replaceChildren(
      ...found.map(({ emoji, name }) =>
        element(
          "button",
          {
            class: "emoji-button",
            type: "button",
            title: name,
            "data-testid": "emoji",
            "data-emoji": emoji,
            onclick: () => this.#choose(emoji),
          },
          shownEmoji(emoji),
          element("span", { class: "unseen" }, ` ${name}`),
        ),
      ),
    );
  }

  /** @param {string} emoji */
  #choose(emoji) {
    this.#root.close();
    this.#onChoose(emoji);
  }
}

/** @param {string} emoji */
function keyOf(emoji) {
  return emoji.replace(/[\ufe0e\ufe0f]/g, "");
}
