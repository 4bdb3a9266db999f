// Controls, zero-width characters, and those that turn the direction of text around.
const HIDDEN = /[\p{Cc}\p{Cf}\u2028\u2029\u00a0]/gu

/** A text whose invisible characters show as their code points, so that nothing hides in it (UI-907, UI-2009). */
export function visibleText(text: string): string {
  return text.replace(HIDDEN, (character) =>
    character === '\n'
      ? '↵\n'
      : `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  )
}
