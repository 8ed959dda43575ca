/** Emoji as a page shows them. Their keys have no variation selectors. */

/** A picture that would be text without U+FE0F. */
const TEXT = /(?!\p{Emoji_Presentation})(\p{Emoji})(?![\ufe0f\p{Emoji_Modifier}])/gu;

/** @param {string} key */
export function shownEmoji(key) {
  return key.replace(TEXT, "$1\ufe0f");
}

/** The first six of the picker. */
export const QUICK = ["👍", "❤", "😂", "🎉", "😮", "😢"];
