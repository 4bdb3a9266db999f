/** What becomes of members of a JSON object: their new JSON text, or undefined to take them out. */
export type MemberChanges = Readonly<Record<string, ((before: string | undefined) => string) | undefined>>

interface Member {
  readonly name: string
  /** From the name on. */
  readonly start: number
  readonly valueStart: number
  readonly end: number
}

/**
 * A JSON object with some of its members changed and everything else as it was, to the byte (AG-20): providers tell
 * whether they know the beginning of a request by its bytes. Members that are not there are added at the end.
 *
 * @param text must be a JSON object that `JSON.parse` takes.
 */
export function editMembers(text: string, changes: MemberChanges): string {
  const { members, close } = membersOf(text)
  let edited = ''
  let from = 0
  const seen = new Set<string>()
  const lastKept = members.findLastIndex(
    ({ name }) => !Object.hasOwn(changes, name) || changes[name] !== undefined,
  )
  for (const [index, member] of members.entries()) {
    if (!Object.hasOwn(changes, member.name)) continue
    seen.add(member.name)
    const change = changes[member.name]
    if (change !== undefined) {
      edited += text.slice(from, member.valueStart) + change(text.slice(member.valueStart, member.end))
      from = member.end
      continue
    }
    // With the comma behind it, or behind the last one that stays with those before it.
    if (index < lastKept) edited += text.slice(from, member.start)
    else if (index === lastKept + 1) edited += text.slice(from, members[lastKept]?.end ?? member.start)
    from = (index < lastKept ? members[index + 1]?.start : undefined) ?? member.end
  }
  const added = Object.entries(changes).flatMap(([name, change]) =>
    change === undefined || seen.has(name) ? [] : [`${JSON.stringify(name)}:${change(undefined)}`],
  )
  if (added.length === 0) return edited + text.slice(from)
  edited += text.slice(from, close)
  const isEmpty = /\{\s*$/.test(edited)
  return `${edited}${isEmpty ? '' : ','}${added.join(',')}${text.slice(close)}`
}

/**
 * A JSON array with some of its elements changed and everything else as it was, to the byte.
 *
 * @param text must be a JSON array that `JSON.parse` takes.
 */
export function editElements(text: string, change: (element: string, index: number) => string): string {
  let edited = ''
  let from = 0
  let at = skipSpace(text, text.indexOf('[') + 1)
  for (let index = 0; at < text.length && text[at] !== ']'; index += 1) {
    const end = endOfValue(text, at)
    edited += text.slice(from, at) + change(text.slice(at, end), index)
    from = end
    at = skipSpace(text, end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return edited + text.slice(from)
}

function membersOf(text: string): { readonly members: readonly Member[]; readonly close: number } {
  const members: Member[] = []
  let at = skipSpace(text, text.indexOf('{') + 1)
  while (text[at] === '"') {
    const start = at
    at = endOfString(text, at)
    const name: unknown = JSON.parse(text.slice(start, at))
    const valueStart = skipSpace(text, text.indexOf(':', at) + 1)
    const end = endOfValue(text, valueStart)
    members.push({ name: String(name), start, valueStart, end })
    at = skipSpace(text, end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return { members, close: at }
}

/** Where the next character is that is no white space. */
export function skipSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && ' \t\r\n'.includes(text[at] ?? '')) at += 1
  return at
}

/** Where a string ends that begins at a place, behind its last quote. */
export function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text[at - 1 - slashes] === '\\') slashes += 1
    if (slashes % 2 === 0) return at + 1
  }
  return text.length
}

function endOfValue(text: string, from: number): number {
  if (text[from] === '"') return endOfString(text, from)
  if (text[from] !== '{' && text[from] !== '[') {
    const rest = /[\s,\]}]/g
    rest.lastIndex = from
    return rest.exec(text)?.index ?? text.length
  }
  let depth = 0
  const marks = /["[\]{}]/g
  marks.lastIndex = from
  for (let found = marks.exec(text); found !== null; found = marks.exec(text)) {
    if (found[0] === '"') marks.lastIndex = endOfString(text, found.index)
    else if (found[0] === '{' || found[0] === '[') depth += 1
    else {
      depth -= 1
      if (depth === 0) return found.index + 1
    }
  }
  return text.length
}
