const WORDS = 6
const MAX_LENGTH = 80
const UNTITLED = 'New Chat'

/** The title that a chat begins with (CH-408): its first words, in at most 80 characters. */
export function firstTitle(text: string): string {
  const words = text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
  if (words.length === 0) return UNTITLED
  const title = words.slice(0, WORDS).join(' ')
  const characters = [...title]
  if (characters.length > MAX_LENGTH)
    return `${characters
      .slice(0, MAX_LENGTH - 1)
      .join('')
      .trimEnd()}…`
  if (words.length <= WORDS) return title
  return characters.length < MAX_LENGTH ? `${title}…` : `${characters.slice(0, MAX_LENGTH - 1).join('')}…`
}
