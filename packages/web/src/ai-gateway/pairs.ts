import { linesOf } from './gateway-draft.ts'

/** Names of models and what each stands for, a line for each: "fast = claude-haiku-4-5". */
export function pairsText(pairs: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(pairs ?? {})
    .map(([from, to]) => `${from} = ${to}`)
    .join('\n')
}

/** The other way around; undefined when a line is no pair, or a name comes twice. */
export function parsePairs(text: string): Readonly<Record<string, string>> | undefined {
  const pairs = new Map<string, string>()
  for (const line of linesOf(text)) {
    const at = line.indexOf('=')
    const from = line.slice(0, Math.max(0, at)).trim()
    const to = line.slice(at + 1).trim()
    if (at < 0 || from === '' || to === '' || pairs.has(from)) return undefined
    pairs.set(from, to)
  }
  return Object.fromEntries(pairs)
}

/** What is wrong with the lines of a text of pairs. */
export function pairsFault(text: string): string | undefined {
  return parsePairs(text) === undefined ? 'One “name = model” per line, each name once.' : undefined
}
