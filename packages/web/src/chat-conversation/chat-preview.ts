import type { ChatMessagePart, ChatStreamMessagePart } from '@slipway/contract'

/** Which run of the model a preview shows, and the number of the last piece that came (CH-906). */
interface Cursor {
  readonly version: number
  readonly attempt: number
  readonly seq: number
}

/**
 * The answer that is under way. Pieces are put together: `args_delta` and `result_delta` of a part hold everything
 * that has come so far (CH-908).
 */
export interface Preview {
  readonly cursor: Cursor | undefined
  readonly parts: readonly ChatMessagePart[]
}

/** Of output that still comes so much of the end is kept, in characters; the result has all that there is. */
const LIVE_OUTPUT = 65_536

export const NO_PREVIEW: Preview = { cursor: undefined, parts: [] }

/** What a piece makes of a preview; `gap` when pieces before it are missing. */
type PreviewStep = { readonly kind: 'next' | 'old'; readonly preview: Preview } | { readonly kind: 'gap' }

/** Takes one piece in. Pieces of an earlier run or that came before change nothing. */
export function takePiece(preview: Preview, piece: ChatStreamMessagePart): PreviewStep {
  const { cursor } = preview
  const { history_version: version, generation_attempt: attempt, seq, part } = piece
  if (cursor !== undefined) {
    const older = version < cursor.version || (version === cursor.version && attempt < cursor.attempt)
    const same = version === cursor.version && attempt === cursor.attempt
    if (older || (same && seq <= cursor.seq)) return { kind: 'old', preview }
    if (same && seq === cursor.seq + 1)
      return {
        kind: 'next',
        preview: { cursor: { version, attempt, seq }, parts: merge(preview.parts, part) },
      }
    if (same) return { kind: 'gap' }
  }
  if (seq !== 1) return { kind: 'gap' }
  return { kind: 'next', preview: { cursor: { version, attempt, seq }, parts: merge([], part) } }
}

function merge(parts: readonly ChatMessagePart[], piece: ChatMessagePart): readonly ChatMessagePart[] {
  switch (piece.type) {
    case 'text':
    case 'reasoning': {
      const last = parts.at(-1)
      if (last?.type !== piece.type) return [...parts, piece]
      const text = (last.text ?? '') + (piece.text ?? '')
      return [...parts.slice(0, -1), { ...last, ...piece, ...firstTime(last), text }]
    }
    case 'tool-call':
      return upsertTool(parts, piece, (known) => {
        if (piece.args !== undefined || piece.args_delta === undefined)
          return { ...known, ...piece, ...firstTime(known) }
        return { ...known, args_delta: (known.args_delta ?? '') + piece.args_delta }
      })
    case 'tool-result':
      return upsertTool(parts, piece, (known) => {
        const before = piece.result_reset === true ? '' : (known.result_delta ?? '')
        const output = before + (piece.result_delta ?? '')
        return {
          ...known,
          ...piece,
          ...firstTime(known),
          result_delta: output.length > 2 * LIVE_OUTPUT ? output.slice(-LIVE_OUTPUT) : output,
        }
      })
    default:
      return [...parts, piece]
  }
}

/** A part keeps the time at which its first piece came. */
function firstTime(known: ChatMessagePart): { readonly created_at?: string } {
  return known.type === 'tool-result' || known.created_at === undefined
    ? {}
    : { created_at: known.created_at }
}

function upsertTool(
  parts: readonly ChatMessagePart[],
  piece: ChatMessagePart,
  update: (known: ChatMessagePart) => ChatMessagePart,
): readonly ChatMessagePart[] {
  const at = parts.findIndex(({ type, tool_call_id: id }) => type === piece.type && id === piece.tool_call_id)
  const known = parts[at]
  return known === undefined ? [...parts, piece] : parts.with(at, update(known))
}
