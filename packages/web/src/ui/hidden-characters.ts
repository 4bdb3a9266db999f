/** Characters that turn the direction of text, or that nobody sees. */
const HIDDEN =
  /\u034f|\u200d|[\u00ad\u061c\u180e\ufeff\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufff9-\ufffb]/

/** Whether a text has characters that turn its direction, or that nobody sees. */
export function hasHiddenCharacters(text: string): boolean {
  return HIDDEN.test(text)
}

/** A name of a file or a command with such characters written out, for that it reads as what it is (UI-2009). */
export function withHiddenWrittenOut(text: string): string {
  if (!HIDDEN.test(text)) return text
  return text.replace(
    new RegExp(HIDDEN, 'g'),
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
