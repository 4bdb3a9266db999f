/** Shorter answers are one row. */
const LONG = 16_000
/** About so many characters go into one row of a long answer. */
const PIECE = 8_000

const FENCE = /^ {0,3}(`{3,}|~{3,})/
/** Begins something that belongs to nothing before it: no list, quote, table or indented text. */
const FRESH = /^(?:#{1,6} |[^\s>|#*+\-\d=~`<[])/
/** A definition that text elsewhere may refer to. */
const DEFINITION = /^ {0,3}\[[^\]]+\]:/m

const known = new Map<string, readonly string[]>()
const MOST_KNOWN = 64

/**
 * A long text of the model in pieces that mean the same one by one, so that only those in sight have to be rendered
 * (UI-1905). Pieces end between paragraphs; joined, they are the text.
 */
export function splitAnswer(text: string): readonly string[] {
  if (text.length < LONG) return [text]
  const before = known.get(text)
  if (before !== undefined) return before
  const pieces = DEFINITION.test(text) ? [text] : pieced(text)
  if (known.size >= MOST_KNOWN) known.clear()
  known.set(text, pieces)
  return pieces
}

function pieced(text: string): readonly string[] {
  const pieces: string[] = []
  let from = 0
  let at = 0
  let fence: string | undefined
  let blank = false
  for (const line of text.split('\n')) {
    const mark = FENCE.exec(line)?.[1]
    if (fence === undefined && blank && at - from >= PIECE && FRESH.test(line)) {
      pieces.push(text.slice(from, at))
      from = at
    }
    if (mark !== undefined) {
      if (fence === undefined) fence = mark
      else if (mark[0] === fence[0] && mark.length >= fence.length && line.trim() === mark) fence = undefined
    }
    blank = fence === undefined && line.trim() === ''
    at += line.length + 1
  }
  pieces.push(text.slice(from))
  return pieces
}
