import type { Speech, Step, ToolCall, Usage } from './turn.ts'
import type { Block, PlannedCall } from './wire.ts'

const PIECES = 2

/** What an answer says, and what happens on the way, in the order of a stream. */
export type Action =
  | { readonly kind: 'text'; readonly delta: string }
  | { readonly kind: 'reasoning'; readonly delta: string; readonly signature: string | undefined }
  | { readonly kind: 'redacted'; readonly data: string }
  | { readonly kind: 'call-begins'; readonly call: PlannedCall }
  | { readonly kind: 'call-goes-on'; readonly call: PlannedCall; readonly piece: string }
  | { readonly kind: 'call-ends'; readonly call: PlannedCall }
  | { readonly kind: 'event'; readonly step: Exclude<Step, string | ContentStep> }

type ContentStep =
  | { readonly reasoning: string }
  | { readonly redactedReasoning: string }
  | { readonly call: ToolCall }
  | { readonly calls: readonly ToolCall[] }

/** The actions of a step. */
export function* actionsOf(step: Step, newId: () => string): Generator<Action> {
  if (typeof step === 'string') yield { kind: 'text', delta: step }
  else if ('reasoning' in step) yield { kind: 'reasoning', delta: step.reasoning, signature: step.signature }
  else if ('redactedReasoning' in step) yield { kind: 'redacted', data: step.redactedReasoning }
  else if ('call' in step) yield* callActions([step.call], newId)
  else if ('calls' in step) yield* callActions(step.calls, newId)
  else yield { kind: 'event', step }
}

function* callActions(calls: readonly ToolCall[], newId: () => string): Generator<Action> {
  const planned = calls.map(({ id = newId(), name, args = {}, pieces = PIECES }) => {
    const call = { id, name, args: typeof args === 'string' ? args : JSON.stringify(args) }
    return { call, pieces: split(call.args, pieces) }
  })
  for (const { call } of planned) yield { kind: 'call-begins', call }
  const rounds = Math.max(0, ...planned.map(({ pieces }) => pieces.length))
  for (let round = 0; round < rounds; round += 1)
    for (const { call, pieces } of planned) {
      const piece = pieces[round]
      if (piece !== undefined) yield { kind: 'call-goes-on', call, piece }
    }
  for (const { call } of planned) yield { kind: 'call-ends', call }
}

function split(text: string, pieces: number): readonly string[] {
  const size = Math.max(1, Math.ceil(text.length / pieces))
  return Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
    text.slice(at * size, (at + 1) * size),
  )
}

/** Adds what an action says to the blocks of an answer that is not streamed. */
export function addTo(blocks: Block[], action: Action): void {
  const last = blocks.at(-1)
  switch (action.kind) {
    case 'text':
      if (last?.kind === 'text') blocks[blocks.length - 1] = { kind: 'text', text: last.text + action.delta }
      else blocks.push({ kind: 'text', text: action.delta })
      break
    case 'reasoning': {
      const { delta, signature } = action
      if (last?.kind === 'reasoning' && last.signature === undefined)
        blocks[blocks.length - 1] = { kind: 'reasoning', text: last.text + delta, signature }
      else blocks.push({ kind: 'reasoning', text: delta, signature })
      break
    }
    case 'redacted':
      blocks.push({ kind: 'redacted', data: action.data })
      break
    case 'call-ends':
      blocks.push({ kind: 'call', call: action.call })
      break
    case 'call-begins':
    case 'call-goes-on':
    case 'event':
      break
  }
}

/** All counts of an answer. */
export function usageOf({ usage = {} }: Speech): Required<Usage> {
  return { input: 10, cached: 0, cacheWritten: 0, output: 5, reasoning: 0, ...usage }
}
