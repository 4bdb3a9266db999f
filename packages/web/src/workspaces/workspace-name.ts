const FIRST =
  'amber ashen brisk calm clear cobalt copper dawn early fair fresh gentle granite keen lucid mellow north quick quiet steady stout swift tidal vivid warm'.split(
    ' ',
  )
const SECOND =
  'anchor beacon bow buoy cove delta dock ferry fjord gull harbor heron hull keel lagoon lantern mast pier reef sail shoal skiff sloop tern tide wharf'.split(
    ' ',
  )

/** A name that is easy to say, for somebody who does not want to think of one. `random` in 0…1. */
export function suggestName(random: () => number = Math.random): string {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)] ?? 'new'
  return `${pick(FIRST)}-${pick(SECOND)}`
}

const PATTERN = /^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$/
const LONGEST = 32

/** What is wrong with the name of a workspace by the documented rules (WS-1); undefined when nothing is. */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'A name is required.'
  if (name.length > LONGEST) return `A name has at most ${LONGEST} characters.`
  return PATTERN.test(name) ? undefined : 'Use letters, digits and single hyphens between them.'
}
