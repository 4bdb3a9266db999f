const LETTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const GROUPS = 5
const GROUP = 4

/** A password that nobody guesses and everybody can type: twenty characters (116 bits) in groups of four. */
export function generatedPassword(): string {
  const letter = () => {
    // Values above the last whole multiple would favour the first letters.
    const limit = Math.floor(256 / LETTERS.length) * LETTERS.length
    for (;;) {
      const [value = 0] = crypto.getRandomValues(new Uint8Array(1))
      if (value < limit) return LETTERS.charAt(value % LETTERS.length)
    }
  }
  return Array.from({ length: GROUPS }, () => Array.from({ length: GROUP }, letter).join('')).join('-')
}
