import type { ChatStatus } from '@slipway/contract'

/** What decides which changes a chat takes: what it does, whether messages wait, and whether it is archived (CH-§2). */
export interface ChatState {
  readonly status: ChatStatus
  readonly queued: boolean
  readonly archived: boolean
}

/**
 * The states that a chat may be in: `W`aiting, `E`rror, `R`unning, `I`nterrupting, `A`ction required; `0` and `1` say
 * whether messages wait, `X` that it is archived.
 */
export type StateName = 'W' | 'E0' | 'E1' | 'R0' | 'R1' | 'I0' | 'I1' | 'A0' | 'A1' | 'XW' | 'XE0' | 'XE1'

/** What can be done to a chat, by users and by the run that owns it. */
export type Operation =
  | 'send-idle'
  | 'finish-turn'
  | 'enqueue'
  | 'send-interrupt'
  | 'edit'
  | 'interrupt'
  | 'finish-interruption'
  | 'commit-step'
  | 'fail'
  | 'delete-queued'
  | 'promote-queued'
  | 'require-action'
  | 'complete-action'
  | 'cancel-action'
  | 'archive'
  | 'unarchive'
  | 'request-compaction'

const UNARCHIVED = ['W', 'E0', 'E1', 'R0', 'R1', 'I0', 'I1', 'A0', 'A1'] as const

/** From which states each operation may go to which (CH-201…CH-217); what is not here is refused (CH-220). */
export const TRANSITIONS: Readonly<
  Record<Operation, Readonly<Partial<Record<StateName, readonly StateName[]>>>>
> = {
  'send-idle': { W: ['R0'], E0: ['R0'], E1: ['R1'] },
  'finish-turn': { R0: ['W'], R1: ['R0', 'R1'] },
  enqueue: { R0: ['R1'], R1: ['R1'], I0: ['I1'], I1: ['I1'], A0: ['A1'], A1: ['A1'] },
  'send-interrupt': { R0: ['I1'], R1: ['I1'], I0: ['I1'], I1: ['I1'], A0: ['R1'], A1: ['R1'] },
  edit: Object.fromEntries(UNARCHIVED.map((from) => [from, ['R0']])),
  interrupt: { R0: ['I0'], R1: ['I1'], A0: ['R0'], A1: ['R1'] },
  'finish-interruption': { I0: ['W'], I1: ['R0', 'R1'] },
  'commit-step': { R0: ['R0'], R1: ['R1'] },
  fail: { R0: ['E0'], R1: ['E1'], W: ['E0'] },
  'delete-queued': {
    E1: ['E0', 'E1'],
    R1: ['R0', 'R1'],
    I1: ['I0', 'I1'],
    A1: ['A0', 'A1'],
  },
  'promote-queued': { E1: ['R0', 'R1'], A1: ['R0', 'R1'], R1: ['I1'], I1: ['I1'] },
  'require-action': { R0: ['A0'], R1: ['A1'] },
  'complete-action': { A0: ['R0'], A1: ['R1'] },
  'cancel-action': { A0: ['R0'], A1: ['R1'] },
  archive: { W: ['XW'], E0: ['XE0'], E1: ['XE1'] },
  unarchive: { XW: ['W'], XE0: ['E0'], XE1: ['E1'] },
  'request-compaction': { W: ['R0'], E0: ['R0'], E1: ['R1'] },
}

/** The name of a state; undefined for one that no chat may be in, such as archived while it runs. */
export function stateName({ status, queued, archived }: ChatState): StateName | undefined {
  switch (status) {
    case 'waiting':
      if (queued) return undefined
      return archived ? 'XW' : 'W'
    case 'error':
      if (archived) return queued ? 'XE1' : 'XE0'
      return queued ? 'E1' : 'E0'
    case 'running':
      if (archived) return undefined
      return queued ? 'R1' : 'R0'
    case 'interrupting':
      if (archived) return undefined
      return queued ? 'I1' : 'I0'
    case 'requires_action':
      if (archived) return undefined
      return queued ? 'A1' : 'A0'
  }
}

/** Whether an operation may be done in this state. */
export function isPossible(operation: Operation, from: StateName): boolean {
  return TRANSITIONS[operation][from] !== undefined
}

/** Whether an operation may lead from one state to the other. */
export function isTransition(operation: Operation, from: StateName, to: StateName): boolean {
  return TRANSITIONS[operation][from]?.includes(to) === true
}
