import { randomBytes } from 'node:crypto'

/** Characters of the words that a name begins with; with four digits behind them they make 32 (WS-1). */
const MAX_WORDS = 27
const MAX_DISPLAY_NAME = 64

/** A name for a task that was given none: the first words of its prompt, and something that tells it from others (WS-254). */
export function nameFor(prompt: string): string {
  const words = prompt.toLowerCase().match(/[a-z0-9]+/g) ?? []
  let name = ''
  for (const word of words) {
    const longer = name === '' ? word : `${name}-${word}`
    if (longer.length > MAX_WORDS) break
    name = longer
  }
  if (name === '') name = words[0]?.slice(0, MAX_WORDS) ?? 'task'
  return `${name}-${randomBytes(2).toString('hex')}`
}

/** What such a task is shown as: the beginning of its prompt, in one line. */
export function displayNameFor(prompt: string, name: string): string {
  const characters = [...prompt.replace(/[\p{Cc}\s]+/gu, ' ').trim()]
  if (characters.length === 0) return name
  if (characters.length <= MAX_DISPLAY_NAME) return characters.join('')
  return `${characters
    .slice(0, MAX_DISPLAY_NAME - 1)
    .join('')
    .trimEnd()}…`
}
