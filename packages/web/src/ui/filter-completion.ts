/** A key of a filter's grammar, for those who do not know it by heart. */
export interface FilterKey {
  readonly key: string
  readonly about: string
  /** Values that it takes; without them any text. */
  readonly values?: readonly string[]
}

/** One way to go on with a filter. */
export interface Suggestion {
  /** What stands in the place of the word. */
  readonly insert: string
  readonly about: string
}

const MOST = 10

/** The word of a filter at the caret: from its first letter to the caret. Spaces in quotes belong to it. */
export function wordAt(text: string, caret: number): { readonly from: number; readonly word: string } {
  let from = 0
  let quoted = false
  for (let at = 0; at < caret; at++) {
    if (text[at] === '"') quoted = !quoted
    else if (text[at] === ' ' && !quoted) from = at + 1
  }
  return { from, word: text.slice(from, caret) }
}

/** How the word at the caret may go on: keys first, then the values of the key (UI-501). */
export function suggestions(text: string, caret: number, keys: readonly FilterKey[]): readonly Suggestion[] {
  const { word } = wordAt(text, caret)
  const colon = word.indexOf(':')
  if (colon < 0) {
    const begun = word.toLowerCase()
    return keys
      .filter(({ key }) => key.startsWith(begun))
      .slice(0, MOST)
      .map(({ key, about }) => ({ insert: `${key}:`, about }))
  }
  const chosen = keys.find(({ key }) => key === word.slice(0, colon).toLowerCase())
  const begun = word
    .slice(colon + 1)
    .replaceAll('"', '')
    .toLowerCase()
  return (chosen?.values ?? [])
    .filter((value) => value.toLowerCase().startsWith(begun) && value.toLowerCase() !== begun)
    .slice(0, MOST)
    .map((value) => ({
      insert: `${chosen?.key}:${/[\s:]/.test(value) ? `"${value}"` : value}`,
      about: '',
    }))
}

/** The filter with the word at the caret replaced, and where the caret stands then. */
export function complete(
  text: string,
  caret: number,
  { insert }: Suggestion,
): { readonly text: string; readonly caret: number } {
  const { from } = wordAt(text, caret)
  const rest = text.slice(caret).trimStart()
  // After a value comes the next word; after a key its value, and what follows stays a word of its own.
  const head = text.slice(0, from) + insert + (insert.endsWith(':') ? '' : ' ')
  return { text: head + (insert.endsWith(':') && rest !== '' ? ' ' : '') + rest, caret: head.length }
}
