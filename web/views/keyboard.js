/** What key handlers share. */

/**
 * Input methods use keys such as Enter and Escape themselves. Safari reports the last key after the
 * end of the composition, with the key code 229.
 * @param {KeyboardEvent} event
 */
export function isForInputMethod(event) {
  return event.isComposing || event.keyCode === 229;
}
