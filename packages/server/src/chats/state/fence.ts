import type { ChatRow } from '../store/locked.ts'

/** What a run believed about its chat when it began the work that it now wants to commit (CH-606). */
export interface Fence {
  readonly runnerId: string
  readonly status: ChatRow['status']
  readonly historyVersion: number
}

/** Thrown to a run that the chat does not belong to any more, or that has missed a change: it ends without a trace. */
export class FencedOff extends Error {
  override readonly name = 'FencedOff'
}
