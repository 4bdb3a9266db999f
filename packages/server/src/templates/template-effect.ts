import type { Db } from '../context.ts'
import type { TemplateRow } from './store/templates.ts'

/** A change of a template that is under way. */
export interface TemplateChange {
  readonly before: TemplateRow
  readonly after: TemplateRow
  /** All its workspaces count as used now (WS-88). */
  readonly countsAsUsed: boolean
  /** The time of those that are dormant begins anew (WS-88). */
  readonly restartsDormancy: boolean
}

/**
 * What a change of a template means for what was made of it, in the transaction of the change.
 *
 * @returns what is to be told once that is committed; it never rejects.
 */
export type TemplateEffect = (tx: Db, change: TemplateChange) => Promise<(() => Promise<void>) | undefined>
